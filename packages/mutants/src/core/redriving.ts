import { inCore, type CoreMutant } from './core-mutant.ts'

/** Cores that list, redrive or discard dead letters wrongly. */
export const redriving: readonly CoreMutant[] = [
  {
    name: 'core-redrives-to-the-channel',
    story: 'Sends a redriven message to every group.',
    patches: inCore(
      'dead-letter-browser',
      'return connection.sendOwn({ channel: channel.name, group }, message)',
      'void group\n    return connection.sendOwn({ channel: channel.name }, message)',
    ),
    red: {
      'RDR-02': /!== 6$/m,
    },
  },
  {
    name: 'core-keeps-the-record-on-redrive',
    story: 'Redrives with the failure record and the attempts of before.',
    patches: inCore(
      'dead-letter-browser',
      '        await this.#sendToGroup(redrivable(wire))',
      '        await this.#sendToGroup(wire)',
    ),
    red: {
      'RDR-03': /as it was sent, and no trace of the failure/,
    },
  },
  {
    name: 'core-removes-before-it-redrives',
    story: 'Removes the dead letter whether or not it was sent.',
    patches: inCore(
      'dead-letter-browser',
      "        failed.push({ id: letter.message.id, error: asError(error) })\n        return 'keep'",
      "        failed.push({ id: letter.message.id, error: asError(error) })\n        return 'remove'",
    ),
    red: {
      'RDR-07': /those that failed stay/,
    },
  },
  {
    name: 'core-hides-a-bad-redrive',
    story: 'Does not say which dead letters could not be redriven.',
    patches: inCore(
      'dead-letter-browser',
      "        failed.push({ id: letter.message.id, error: asError(error) })\n        return 'keep'",
      "        void asError(error)\n        return 'keep'",
    ),
    red: {
      'RDR-07': /actual - expected[\s\S]*\+ \[\][\s\S]*- \[/,
    },
  },
  {
    name: 'core-leaves-what-it-redrove',
    story: 'Redrives a copy and keeps the dead letter.',
    patches: inCore(
      'dead-letter-browser',
      "        redriven++\n        return 'remove'",
      "        redriven++\n        return 'keep'",
    ),
    red: {
      'RDR-02': /the others stay/,
    },
  },
  {
    name: 'core-keeps-the-id-of-a-corrected-copy',
    story: 'Replaces a dead letter under its old id, without a link.',
    patches: inCore(
      'dead-letter-browser',
      'return { ...corrected, key: corrected.key ?? original.key, headers }',
      'void headers\n  return { ...corrected, id: original.id, key: corrected.key ?? original.key }',
    ),
    red: {
      'RDR-05': /actual - expected[\s\S]*\+   .+[\s\S]*-   .+/,
    },
  },
  {
    name: 'core-discards-nothing',
    story: 'Counts what it should discard and keeps it.',
    patches: inCore(
      'dead-letter-browser',
      "      discarded++\n      return 'remove'",
      "      discarded++\n      return 'keep'",
    ),
    red: {
      'RDR-06': /actual - expected[\s\S]*\+   .+/,
    },
  },
  {
    name: 'core-consumes-what-it-lists',
    story: 'Removes what was looked at.',
    patches: inCore(
      'dead-letter-browser',
      "      return letters.length >= limit ? 'stop' : 'keep'\n    })",
      "      return letters.length >= limit ? 'stop' : 'remove'\n    })",
    ),
    red: {
      'RDR-01': /look [\d.]+/,
    },
  },
  {
    name: 'core-shows-its-own-letters-only',
    story: 'Hides dead letters without a failure record.',
    patches: inCore(
      'dead-letter-browser',
      '    this.#visit = visit\n',
      "    this.#visit = (letter, wire) => (letter.failure === undefined ? Promise.resolve('keep') : visit(letter, wire))\n",
    ),
    red: {
      'RDR-09': /actual - expected[\s\S]*\+ \[\][\s\S]*- \[/,
      'RDR-09/in a place of another name': /actual - expected[\s\S]*\+   redriven: 0[\s\S]*-   redriven: 1/,
    },
  },
]

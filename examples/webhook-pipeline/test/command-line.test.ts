import { describe, expect, test } from 'vitest'
import { runCommand } from '../src/command.ts'
import { CollectedOutput } from './collected-output.ts'

describe('misuse is said clearly, with exit status 2:', () => {
  test.each([
    [['--broker', 'carrier-pigeon'], 'Allowed choices are memory, rabbitmq, kafka'],
    [['--messages', 'many'], 'It must be a whole number from 1 to'],
    [['--messages', '0'], 'It must be a whole number from 1 to'],
    [['--messages', '-5'], 'It must be a whole number from 1 to'],
    [['--messages', '1e3'], 'It must be a whole number from 1 to'],
    [['--mesages', '10'], 'Did you mean --messages?'],
    [['memory'], 'too many arguments'],
    [['--url'], 'argument missing'],
    [['--url', ''], 'error: '],
    [['--url', 'localhost:5672'], 'unknown scheme "localhost:"'],
    [['--url', 'ampq://localhost'], 'did you mean "amqp:"?'],
    [['--url', 'memory:x?speed=fast'], 'unknown option "speed"'],
    [['--url', 'kafka://localhost?partitons=3'], 'did you mean "partitions"?'],
    [['--url', 'kafka://user:sesame@localhost'], 'credentials need sasl'],
  ])('%j', async (arguments_, said) => {
    const output = new CollectedOutput()
    expect(await runCommand(arguments_, output)).toBe(2)
    expect(output.text).toContain(said)
    expect(output.text).not.toContain('webhooks of GitHub')
  })
})

test.each(['amqp://guest:sesame@127.0.0.1:1', 'kafka://guest:sesame@127.0.0.1:1?sasl=plain'])(
  'a broker that does not answer is a failure, not a misuse: %s',
  async (url) => {
    const output = new CollectedOutput()
    expect(await runCommand(['--url', url], output)).toBe(1)
    expect(output.text).toContain('error: cannot connect')
    expect(output.text).not.toContain('sesame')
  },
)

test('--help shows everything and succeeds', async () => {
  const output = new CollectedOutput()
  expect(await runCommand(['--help'], output)).toBe(0)
  for (const option of ['--broker', '--url', '--messages']) expect(output.text).toContain(option)
})

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ensureEngine } from '../src/index.ts'
import { followed } from '../src/engine-image.ts'

test('a build that fails half-way is a failure, with its reason', { timeout: 60_000 }, async () => {
  const engine = await ensureEngine()
  const context = await mkdtemp(join(tmpdir(), 'waybill-test-'))
  try {
    await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY no-such-file /\n')
    const answer = await engine.container.dockerode.buildImage({ context, src: ['Dockerfile'] }, { version: '1' })
    await expect(followed(engine, answer)).rejects.toThrow('no-such-file')
  } finally {
    await rm(context, { recursive: true, force: true })
  }
})

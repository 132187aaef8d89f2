import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { aptMirrors } from './apt-sources.ts'
import { hostAptSettings } from './apt-settings.ts'
import { BrokerError, reasonOf } from './broker-error.ts'
import { runCommand } from './command.ts'
import { within } from './deadline.ts'
import type { Engine } from './engine.ts'
import { followed, hasImage } from './engine-image.ts'
import { canInstallPackages, findProgram, installPackages } from './host.ts'
import type { Progress } from './progress.ts'

const bootstrapDeadlineMs = 10 * 60_000

/**
 * Resolves to the name of an image with a minimal Debian of that release, made without a registry when it is missing.
 *
 * The packages come from `WAYBILL_DEBIAN_MIRROR`, else from the mirrors of the host's own apt sources, one after the other.
 *
 * @throws `imageUnavailable` with what to do
 */
export async function ensureBaseImage(engine: Engine, release: string, progress: Progress): Promise<string> {
  const tag = `waybill/debian-base:${release}`
  if (await hasImage(engine, tag)) return tag
  if (!canInstallPackages()) {
    throw new BrokerError('imageUnavailable', `building ${tag} needs root on Debian or Ubuntu (debootstrap)`)
  }
  if (findProgram('debootstrap') === undefined) {
    progress('installing debootstrap')
    await installPackages(['debootstrap'])
  }
  const mirrors = process.env.WAYBILL_DEBIAN_MIRROR === undefined ? aptMirrors() : [process.env.WAYBILL_DEBIAN_MIRROR]
  const failures: string[] = []
  for (const mirror of mirrors) {
    const folder = await mkdtemp(join(tmpdir(), 'waybill-debian-'))
    try {
      progress(`making ${tag} with debootstrap from the mirror of this host's apt sources`)
      await bootstrap(release, folder, mirror)
      await importFolder(engine, folder, tag)
      return tag
    } catch (thrown) {
      failures.push(reasonOf(thrown))
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
  const why = failures.length === 0 ? "the host's apt sources name no web mirror" : failures.join('\n')
  throw new BrokerError(
    'imageUnavailable',
    `cannot make ${tag}; set WAYBILL_DEBIAN_MIRROR to a Debian mirror that has ${release}: ${why}`,
  )
}

async function bootstrap(release: string, folder: string, mirror: string): Promise<void> {
  const { proxies } = await hostAptSettings(mirror)
  const include = mirror.startsWith('https:') ? ['--include=ca-certificates'] : []
  const program = findProgram('debootstrap') ?? 'debootstrap'
  await runCommand(program, ['--variant=minbase', ...include, release, folder, mirror], {
    deadlineMs: bootstrapDeadlineMs,
    env: { ...proxies, PATH: `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin` },
  })
  await rm(join(folder, 'var/cache/apt/archives'), { recursive: true, force: true })
}

async function importFolder(engine: Engine, folder: string, tag: string): Promise<void> {
  const [repo, version] = tag.split(':')
  const archive = spawn('tar', ['-C', folder, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const archived = new Promise<void>((resolve, reject) => {
    archive.on('error', reject)
    archive.on('close', (status) => {
      if (status === 0) resolve()
      else reject(new BrokerError('commandFailed', `tar of ${folder} ended with status ${status}`))
    })
  })
  archived.catch(() => {})
  const { dockerode } = engine.container
  const answer = await within(
    `importing ${tag}`,
    bootstrapDeadlineMs,
    dockerode.importImage(archive.stdout, { repo, tag: version }),
  )
  await within(`importing ${tag}`, bootstrapDeadlineMs, followed(engine, answer))
  await archived
}

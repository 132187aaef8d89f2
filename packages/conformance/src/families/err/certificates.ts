import { equal, match, ok } from 'node:assert/strict'
import type { Behaviour } from '../../behaviour.ts'
import type { FaultName } from '../../faults.ts'
import { item } from '../../item.ts'

const group = 'billing'

/** Who cannot prove to be the broker is not talked to. */
export const certificates: readonly Behaviour[] = [
  refused(undefined, 'selfSignedCertificate', /self.?signed|certificate/i),
  refused('expired', 'expiredCertificate', /expired/i),
  refused('wrong host', 'wrongHostCertificate', /host|altname/i),
  refused('plain text', 'plainTextForTls', /./),
]

function refused(
  part: string | undefined,
  fault: FaultName & (`${'selfSigned' | 'expired' | 'wrongHost'}Certificate` | 'plainTextForTls'),
  text: RegExp,
): Behaviour {
  return {
    id: 'ERR-04',
    ...(part === undefined ? {} : { part }),
    needs: { faults: [fault, 'validCertificate'] },
    async run(kit) {
      const codes = ['unauthenticated', 'unavailable', 'failedPrecondition'] as const
      const error = await kit.expectRejection(codes, kit.connect({ target: await kit.faults[fault]() }))
      match(error.message, text)
      ok(error.cause !== undefined, 'the cause is kept')
      const messaging = await kit.connect({ target: await kit.faults.validCertificate() })
      const orders = kit.channel([group])
      await messaging.send(orders, item())
      equal(await kit.probe.depth({ channel: orders.name, group }), 1, 'a good certificate is accepted')
    },
  }
}

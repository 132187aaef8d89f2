import { connections, listeners } from './changes.ts'
import type { DriverMutant } from './driver-mutant.ts'

/** Drivers that count or browse wrongly. */
export const browsing: readonly DriverMutant[] = [
  {
    name: 'counts-nothing-waiting',
    story: 'Answers every question for the depth of a group with 0.',
    wrap: connections(() => ({ inspect: async () => ({ ready: 0, unsettled: 0 }) })),
    red: {
      'TOP-14/caughtUp': /round [\d.]+: handled when caughtUp resolves/,
    },
  },
  {
    name: 'browsing-consumes',
    story: 'Removes what is looked at.',
    wrap: listeners((connection, request, onDelivery) =>
      connection.listen(request, async (delivery) => {
        const settled = await onDelivery(delivery)
        return request.intent === 'browse' ? { kind: 'accept' } : settled
      }),
    ),
    red: {
      'RDR-07': /those that failed stay/,
    },
  },
  {
    name: 'browsing-removes-nothing',
    story: 'Browses over a copy: what is accepted stays.',
    wrap: listeners((connection, request, onDelivery) =>
      connection.listen(request, async (delivery) => {
        const settled = await onDelivery(delivery)
        return request.intent === 'browse' ? { kind: 'release' } : settled
      }),
    ),
    red: {
      'RDR-06': /actual - expected[\s\S]*\+   .+/,
    },
  },
  {
    name: 'browses-three-letters',
    story: 'Shows the first three dead letters; a page of results without the next one.',
    wrap: listeners((connection, request, onDelivery) => {
      let seen = 0
      return connection.listen(request, (delivery) =>
        request.intent === 'browse' && ++seen > 3
          ? Promise.resolve({ kind: 'release' as const })
          : onDelivery(delivery),
      )
    }),
    red: {
      'RDR-06': /!== 4$/m,
    },
  },
]

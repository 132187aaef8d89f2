/** Numbers of partitions by topic. */
export type Assignment = { readonly [topic: string]: readonly number[] }

/** What a member tells the others of its group while it joins. */
export interface MemberClaim {
  readonly memberId: string
  readonly topics: readonly string[]
  /** An encoded `Ownership`. */
  readonly userData: Uint8Array
}

interface Member extends MemberClaim {
  readonly owned: readonly number[]
  readonly generation: number
}

/** What a member owns while it joins, for whoever assigns. */
export interface Ownership {
  readonly generation: number
  /** Partition numbers; those of all its topics go together. */
  readonly owned: readonly number[]
}

export function encodeOwnership({ generation, owned }: Ownership): Uint8Array {
  return Buffer.from(JSON.stringify({ generation, owned }))
}

/** What cannot be read owns nothing. */
export function decodeOwnership(userData: Uint8Array): Ownership {
  try {
    const { generation, owned } = JSON.parse(Buffer.from(userData).toString()) as Partial<Ownership>
    if (!Number.isInteger(generation) || !Array.isArray(owned)) return nothing
    return { generation: generation as number, owned: owned.filter((each) => Number.isInteger(each)) }
  } catch {
    return nothing
  }
}

const nothing: Ownership = { generation: -1, owned: [] }

/**
 * Who gets which partitions: evenly, and as few as possible move.
 *
 * Partition n of all topics of a group belongs to one member, so that order per key holds over them. What moves is given
 * to nobody first: its owner sees it gone, hands it back, and joins anew. The others keep what they have meanwhile.
 */
export function assign(
  claims: readonly MemberClaim[],
  partitions: ReadonlyMap<string, number>,
): ReadonlyMap<string, Assignment> {
  const members = claims
    .map((claim) => ({ ...claim, ...decodeOwnership(claim.userData) }))
    .sort((one, other) => (one.memberId < other.memberId ? -1 : 1))
  const count = Math.max(0, ...partitions.values())
  const owners = ownersOf(members, count)
  const shares = keepShares(members, owners, count)
  giveOut(members, owners, shares, count)
  return new Map(members.map((member) => [member.memberId, topicsOf(member, shares, partitions)]))
}

/** Of several who claim the same, the one of the latest generation is right. */
function ownersOf(members: readonly Member[], count: number): ReadonlyMap<number, string> {
  const owners = new Map<number, string>()
  for (const member of [...members].sort((one, other) => one.generation - other.generation)) {
    for (const each of member.owned) if (each >= 0 && each < count) owners.set(each, member.memberId)
  }
  return owners
}

type Shares = ReadonlyMap<string, number[]>

/** Each keeps what it owns, up to its part; who owns most may keep one more where it does not come out even. */
function keepShares(members: readonly Member[], owners: ReadonlyMap<number, string>, count: number): Shares {
  const shares = new Map<string, number[]>(members.map(({ memberId }) => [memberId, []]))
  for (const [partition, memberId] of [...owners].sort(([one], [other]) => one - other)) {
    shares.get(memberId)?.push(partition)
  }
  const least = Math.floor(count / members.length)
  let extra = count % members.length
  for (const share of [...shares.values()].sort((one, other) => other.length - one.length)) {
    const most = extra > 0 && share.length > least ? least + 1 : least
    if (most > least) extra--
    share.length = Math.min(share.length, most)
  }
  return shares
}

/** What nobody owns goes to who has least. */
function giveOut(members: readonly Member[], owners: ReadonlyMap<number, string>, shares: Shares, count: number): void {
  const order = new Map(members.map(({ memberId }, index) => [memberId, index]))
  for (let partition = 0; partition < count; partition++) {
    if (owners.has(partition)) continue
    const [, poorest] = [...shares].sort(
      ([one, its], [other, others]) => its.length - others.length || (order.get(one) ?? 0) - (order.get(other) ?? 0),
    )[0] as [string, number[]]
    poorest.push(partition)
  }
}

function topicsOf({ memberId, topics }: Member, shares: Shares, partitions: ReadonlyMap<string, number>): Assignment {
  const share = shares.get(memberId) ?? []
  const own = topics.map((topic) => {
    const count = partitions.get(topic) ?? 0
    return [topic, share.filter((partition) => partition < count).sort((one, other) => one - other)] as const
  })
  return Object.fromEntries(own)
}

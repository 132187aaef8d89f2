import type { Topology } from '@waybill/core/driver'
import kafkajs from 'kafkajs'
import { describe, expect, it } from 'vitest'
import type { KafkaAdmin, PartitionOffset } from '../src/kafka-client.ts'
import { checkKafkaOptions } from '../src/kafka-options.ts'
import { Provisioner } from '../src/kafka-provisioner.ts'

const topology: Topology = {
  channels: [{ name: 'orders', keyed: false, groups: [{ name: 'billing', delaysMs: [100] }] }],
}
const group = 'orders..billing'
const settings = { 'max.message.bytes': '1000' }

/** Two partitions of each topic; notes what it is asked, in order. */
class Notebook {
  readonly notes: string[] = []
  readonly topics = new Set<string>()
  readonly committed = new Map<string, PartitionOffset[]>()
  readonly ends = [7n, 9n]
  /** Done by somebody else between the look at the end and the look at what is committed. */
  meanwhile = () => {}
  commitFails: unknown
  /** Whether the settings of topics may be known. */
  isOpen = true
  policy = 'compact'

  readonly admin = {
    listTopics: async () => [...this.topics],
    describeTopics: async (names: readonly string[]) =>
      new Map(names.filter((name) => this.topics.has(name)).map((name) => [name, { name, partitions: 2 }])),
    topicSettings: async (names: readonly string[]) =>
      new Map(this.isOpen ? names.map((name) => [name, { ...settings, 'cleanup.policy': this.policy }]) : []),
    createTopics: async (topics: readonly { readonly name: string }[]) => {
      const made = topics.map(({ name }) => name).filter((name) => !this.topics.has(name))
      this.notes.push(`make ${made}`)
      for (const name of made) this.topics.add(name)
      return made
    },
    offsetsAt: async ([topic = '']: readonly string[], at: string) => {
      this.notes.push(`look at the ${at}`)
      const offsets = this.ends.map((end, partition) => ({ topic, partition, offset: at === 'new' ? end : 0n }))
      this.meanwhile()
      return offsets
    },
    committedOffsets: async (name: string) => {
      this.notes.push('look at what is committed')
      return this.committed.get(name) ?? []
    },
    commitOffsets: async (name: string, offsets: readonly PartitionOffset[]) => {
      if (this.commitFails !== undefined) throw this.commitFails
      this.notes.push(`commit ${offsets.map(({ partition, offset }) => `${partition}@${offset}`)}`)
      this.committed.set(name, [...(this.committed.get(name) ?? []), ...offsets])
    },
  } as unknown as KafkaAdmin

  provision(asked = topology, mode: 'create' | 'verify' = 'create') {
    return new Provisioner(this.admin, checkKafkaOptions({ url: 'kafka:' })).provision(asked, mode, () => {})
  }
}

describe('a new group', () => {
  it('has its start before the topics that say it is there', async () => {
    const notebook = new Notebook()
    await notebook.provision()
    expect(notebook.notes).toEqual([
      'make orders',
      'look at the oldest',
      'look at what is committed',
      'commit 0@0,1@0',
      'make orders..billing..dead,orders..billing,orders..billing..delay.100',
    ])
  })

  it('starts at the end that was there before it was looked whether somebody else has made it', async () => {
    const notebook = new Notebook()
    notebook.topics.add('orders')
    notebook.meanwhile = () => void notebook.ends.splice(0, 2, 8n, 10n)
    await notebook.provision()
    expect(notebook.notes).toContain('commit 0@7,1@9')
  })

  it('stays where somebody else has put it meanwhile', async () => {
    const notebook = new Notebook()
    notebook.topics.add('orders')
    const theirs = [{ topic: 'orders', partition: 0, offset: 5n }]
    notebook.meanwhile = () => void notebook.committed.set(group, theirs)
    await notebook.provision()
    expect(notebook.committed.get(group)).toEqual([
      ...theirs,
      { topic: 'orders', partition: 1, offset: 9n, metadata: 'waybill-start' },
    ])
  })

  it('of somebody else’s starts where he has put it, and in partitions that were added at their beginning', async () => {
    const notebook = new Notebook()
    notebook.topics.add('orders')
    for (const name of ['orders..billing..dead', 'theirs']) notebook.topics.add(name)
    const groups = [{ name: 'billing', delaysMs: [], address: 'theirs' }]
    const foreign: Topology = { channels: [{ name: 'orders', keyed: false, groups }] }
    await notebook.provision(foreign)
    expect(notebook.notes).toContain('commit 0@7,1@9')
    notebook.committed.set('theirs', [{ topic: 'orders', partition: 0, offset: 5n }])
    notebook.notes.length = 0
    await notebook.provision(foreign)
    expect(notebook.notes).toEqual(['look at the new', 'look at what is committed'])
  })

  it('that somebody else is already a member of is left to its members', async () => {
    const notebook = new Notebook()
    const error = Object.assign(new Error('x'), { type: 'UNKNOWN_MEMBER_ID', code: 25 })
    notebook.commitFails = new kafkajs.KafkaJSProtocolError(error)
    await notebook.provision()
    notebook.topics.clear()
    notebook.commitFails = new Error('unwilling')
    await expect(notebook.provision()).rejects.toThrow('unwilling')
  })
})

describe('a topic of dead letters', () => {
  it('that is not compacted is refused, and one of which that may not be known is not', async () => {
    const notebook = new Notebook()
    await notebook.provision()
    notebook.policy = 'delete'
    await expect(notebook.provision(topology, 'verify')).rejects.toMatchObject({ code: 'failedPrecondition' })
    notebook.isOpen = false
    await notebook.provision(topology, 'verify')
  })
})

describe('a group that is there', () => {
  it('is not moved', async () => {
    const notebook = new Notebook()
    await notebook.provision()
    notebook.notes.length = 0
    await notebook.provision()
    expect(notebook.notes).toEqual([])
  })
})

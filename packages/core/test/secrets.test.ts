import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MessagingError } from '../src/messaging-error.ts'
import { redactUrl, SecretRedactor, secretsIn, secretsOf } from '../src/secrets.ts'

describe('redactUrl', () => {
  test.each([
    ['amqp://guest:s3cr3t@host:5672/vhost', 'amqp://***@host:5672/vhost'],
    ['amqp://only-user@host', 'amqp://***@host'],
    ['amqp://host:5672/vhost', 'amqp://host:5672/vhost'],
    ['amqp://[::1]:5672/v', 'amqp://[::1]:5672/v'],
    ['memory:', 'memory:'],
    ['kafka://u:p@a:9092,u:p@b:9092', 'kafka://***@b:9092'],
    ['amqp://user:pa/ss@host/v', 'amqp://***@host/v'],
    ['amqp://user:p@ss@host/v', 'amqp://***@host/v'],
    ['amqp://user:p@s/s@host/v', 'amqp://***@host/v'],
    ['amqp://user:pa?ss@host', 'amqp://***@host'],
    ['amqp://user:pa#ss@host', 'amqp://***@host'],
    ['amqp://host/v?mail=a@b', 'amqp://***@b'],
    ['amqp://host/v?password=a@b', 'amqp://host/v?password=***'],
    ['amqp://user:pa?token=ss@host', 'amqp://***?token=***'],
    ['user:s3cr3t@host', '***@host'],
    ['amqp://h?password=s3cr3t&heartbeat=30', 'amqp://h?password=***&heartbeat=30'],
    ['kafka://h?sasl.passwd=x&ssl_key=y&keyed=z', 'kafka://h?sasl.passwd=***&ssl_key=***&keyed=z'],
    [
      'sqs:eu?accessKeyId=AK&secretAccessKey=s&sessionToken=t',
      'sqs:eu?accessKeyId=AK&secretAccessKey=***&sessionToken=***',
    ],
    ['h?pass%77ord=x', 'h?pass%77ord=***'],
    [
      'Endpoint=sb://ns/;SharedAccessKeyName=n;SharedAccessKey=abc=',
      'Endpoint=sb://ns/;SharedAccessKeyName=n;SharedAccessKey=***',
    ],
    ['amqp://u:p@h?x=1#token=s', 'amqp://***@h?x=1#token=***'],
  ])('%s becomes %s', (url, expected) => {
    expect(redactUrl(url)).toBe(expected)
  })

  test('a password is never left, wherever it has odd characters', () => {
    const password = fc.string({
      unit: fc.constantFrom('/', '?', '#', '@', ':', '%', 'x', '=', '&', 'token='),
      minLength: 1,
    })
    fc.assert(
      fc.property(password, (odd) => {
        expect(redactUrl(`amqp://user:${odd}hunter2${odd}@host:5672/v`)).not.toContain('hunter2')
      }),
      { numRuns: 2000 },
    )
  })
})

describe('secretsOf and secretsIn', () => {
  test.each([
    ['amqp://guest:s3cr3t@host', ['s3cr3t']],
    ['amqp://guest:a:b@host', ['a:b']],
    ['amqp://guest@host', []],
    ['memory:', []],
    ['amqp://guest:a/b?c#d@host', ['a/b?c#d']],
    ['guest:s3cr3t@host', ['s3cr3t']],
    ['amqp://h?password=x1&a=b&token=y2', ['x1', 'y2']],
    ['amqp://u:p%40ss@h?sig=z', ['p%40ss', 'z']],
  ])('%s has %j', (url, secrets) => {
    expect(secretsOf(url)).toEqual(secrets)
  })

  test('settings: by name at any depth, and within URLs', () => {
    const settings = {
      url: 'amqp://u:in-url@h',
      brokers: ['kafka://u:in-list@h'],
      sasl: { username: 'me', password: 'pw' },
      credentials: ['c1', 'c2'],
      port: 5672,
      pin: { secret: 1234 },
      nothing: null,
    }
    expect(secretsIn(settings)).toEqual(['in-url', 'in-list', 'pw', 'c1', 'c2', '1234'])
  })
})

const secret = 'p@ss/w0rd+ü"x'

function redactorFor(...secrets: (string | undefined)[]): SecretRedactor {
  const redactor = new SecretRedactor()
  for (const each of secrets) redactor.add(each)
  return redactor
}

describe('SecretRedactor.redact', () => {
  test.each([
    ['as it is', secret],
    ['encodeURIComponent', encodeURIComponent(secret)],
    ['in lower case', encodeURIComponent(secret).toLowerCase().replace('p%40', 'p%40')],
    ['encodeURI', encodeURI(secret)],
    ['as the URL class has it', Object.assign(new URL('http://h'), { password: secret }).password],
    ['in JSON', JSON.stringify({ password: secret })],
    ['base64', Buffer.from(secret).toString('base64')],
    ['base64url', Buffer.from(secret).toString('base64url')],
    ['PLAIN', Buffer.from(`\0user\0${secret}`).toString('base64')],
    ['PLAIN, another length', Buffer.from(`\0users\0${secret}`).toString('base64')],
    ['PLAIN, a third', Buffer.from(`\0user12\0${secret}`).toString('base64')],
    ['Basic', `Basic ${Buffer.from(`u:${secret}`).toString('base64')}`],
  ])('%s', (_what, form) => {
    const redacted = redactorFor(secret).redact(`before ${form} after`)
    expect(redacted).not.toContain(form)
    expect(redacted).toMatch(/^before .*\*\*\*.* after$/s)
  })

  test('two secrets in one piece of base64, and both alphabets', () => {
    const credentials = Buffer.from('first-s3cr3t:other-s3cr3t').toString('base64')
    expect(redactorFor('first-s3cr3t', 'other-s3cr3t').redact(`Basic ${credentials}`)).toBe('Basic ***')
    const odd = Buffer.from('>>>???')
    for (const alphabet of ['base64', 'base64url'] as const) {
      expect(redactorFor('>>>???').redact(`x ${odd.toString(alphabet)} y`)).toBe('x *** y')
    }
  })

  test('given percent-encoded, as URLs have it', () => {
    const redactor = redactorFor('p%40ss%2Fword')
    expect(redactor.redact('p@ss/word and p%40ss%2fword')).toBe('*** and ***')
  })

  test('any secret of three characters or more, in any of its forms', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 3 }), fc.string(), fc.string(), (text, user, around) => {
        const value = text.replace(/[\r\n]/g, '')
        fc.pre(value.length >= 3 && !'***'.includes(value))
        const redactor = redactorFor(value)
        const plain = redactor.redact(`${around}${value}${around}`)
        expect(plain).toContain('***')
        expect(redactor.redact(encodeURIComponent(value))).toBe('***')
        if (Buffer.byteLength(value) < 6) return
        const base64 = Buffer.from(`${user}\0${value}\0`).toString('base64')
        expect(redactor.redact(base64)).toBe('***')
      }),
      { numRuns: 500 },
    )
  })

  test.each([
    ['letters', 'm'.repeat(5_000_000)],
    ['words', 'a-'.repeat(2_500_000)],
    ['schemes', 'a://'.repeat(1_250_000)],
    ['the beginning of the secret', 's3cr3'.repeat(1_000_000)],
  ])('takes no longer than the text is long: %s', (_what, text) => {
    const redactor = redactorFor('s3cr3t-value', 'another-one')
    const started = performance.now()
    expect(redactor.redact(text)).toBe(text)
    expect(performance.now() - started).toBeLessThan(4000)
  })

  test('several secrets, one within another', () => {
    expect(redactorFor('abc', 'abcdef').redact('abcdef abc')).toBe('*** ***')
  })

  test('text of several lines: each line', () => {
    const key = '-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----'
    expect(redactorFor(key).redact('bad line kqhkiG9w0BAQEF in key')).toBe('bad line *** in key')
  })

  test('the user and password of any URL, known or not', () => {
    expect(redactorFor().redact('connect to amqp://u:p@h/v and "http://x@y" failed')).toBe(
      'connect to amqp://***@h/v and "http://***@y" failed',
    )
  })

  test('leaves alone what is none', () => {
    const redactor = redactorFor('s3cr3t', undefined, '', 'a', 'is')
    const text = 'this is a text, mail a@b.c, see amqp://host/v'
    expect(redactor.redact(text)).toBe(text)
  })
})

describe('SecretRedactor.redactError', () => {
  const redactor = redactorFor('s3cr3t-value')
  const shown = (value: unknown) => inspect(value, { depth: 10, showHidden: true })

  test('a clean error is answered as it is', () => {
    const error = new Error('clean', { cause: Object.assign(new TypeError('also'), { code: 'ECONN', list: [1, 'x'] }) })
    expect(redactor.redactError(error)).toBe(error)
  })

  test('message, stack, properties, causes, inner errors', () => {
    const cause = Object.assign(new RangeError('cause s3cr3t-value'), { input: 'amqp://u:s3cr3t-value@h' })
    const inner = Object.assign(new Error('inner'), { options: { auth: { password: 's3cr3t-value' } } })
    const error = Object.assign(new AggregateError([inner, 's3cr3t-value'], 'all s3cr3t-value', { cause }), {
      code: 'EAUTH',
      sent: Buffer.from('\0user\0s3cr3t-value'),
      list: ['fine', 's3cr3t-value'],
    })
    const clean = redactor.redactError(error) as AggregateError & { code: string; sent: unknown; list: unknown[] }
    expect(shown(clean)).not.toContain('s3cr3t')
    expect(shown(clean)).not.toContain(Buffer.from('s3cr3t-value').toString('hex').match(/../g)?.join(' '))
    expect(clean).toBeInstanceOf(AggregateError)
    expect(clean.cause).toBeInstanceOf(RangeError)
    expect(clean.errors[0]).toBeInstanceOf(Error)
    expect([clean.message, clean.code, clean.list]).toEqual(['all ***', 'EAUTH', ['fine', '***']])
    expect(error.message).toBe('all s3cr3t-value')
  })

  test('our own stays our own', () => {
    const error = new MessagingError('unauthenticated', 'login s3cr3t-value refused', { system: 'rabbitmq' })
    const clean = redactor.redactError(error)
    expect(MessagingError.is(clean)).toBe(true)
    expect(clean).toMatchObject({ code: 'unauthenticated', system: 'rabbitmq', message: 'login *** refused' })
    expect(clean).toBeInstanceOf(MessagingError)
  })

  test('errors that contain each other', () => {
    const one: Error & { cause?: unknown } = new Error('one')
    const other = new Error('other s3cr3t-value', { cause: one })
    one.cause = other
    const clean = redactor.redactError(one) as Error & { cause: Error }
    expect(shown(clean)).not.toContain('s3cr3t')
    expect(clean.cause.message).toBe('other ***')
    const clean2: Error & { cause?: unknown } = new Error('x')
    clean2.cause = clean2
    expect(redactor.redactError(clean2)).toBe(clean2)
  })

  test.each([
    ['text', 's3cr3t-value'],
    ['an object', { deep: { password: 's3cr3t-value' } }],
    [
      'a class instance',
      new (class Socket {
        readonly auth = { password: 's3cr3t-value' }
      })(),
    ],
    ['a map', new Map([['password', 's3cr3t-value']])],
    ['a frozen error', Object.freeze(new Error('s3cr3t-value'))],
  ])('%s', (_what, value) => {
    expect(shown(redactor.redactError(value))).not.toContain('s3cr3t')
  })

  test.each([[null], [undefined], [7], [{ fine: true }], [Symbol('x')]])('%s is left alone', (value) => {
    expect(redactor.redactError(value)).toBe(value)
  })

  test('an error whose own code throws', () => {
    const bad = Object.defineProperty(new Error('x'), 'message', {
      get: () => {
        throw new Error('trap')
      },
    })
    expect(() => redactor.redactError(bad)).not.toThrow()
    const proxy = new Proxy(new Error('x'), {
      get: () => {
        throw new Error('trap')
      },
    })
    expect(() => redactor.redactError(proxy)).not.toThrow()
  })
})

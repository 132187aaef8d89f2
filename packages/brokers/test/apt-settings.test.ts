import { expect, test } from 'vitest'
import { parseAptSettings } from '../src/apt-settings.ts'

test('carries checks and proxies, and nothing else', () => {
  const dump = [
    'Acquire "";',
    'Acquire::Check-Valid-Until "false";',
    'Acquire::http::Proxy "http://cache.test:3142";',
    'Acquire::https::Proxy "DIRECT";',
    'Acquire::Languages "none";',
    'DPkg::Post-Invoke:: "rm -f /x";',
  ].join('\n')
  expect(parseAptSettings(dump, {})).toEqual({
    lines: 'Acquire::Check-Valid-Until "false";',
    proxies: { http_proxy: 'http://cache.test:3142', HTTP_PROXY: 'http://cache.test:3142' },
  })
})

test("takes the environment's proxies where apt names none", () => {
  const { proxies } = parseAptSettings('Acquire::http::Proxy "http://apt.test:1";', {
    HTTP_PROXY: 'http://env.test:2',
    no_proxy: 'x',
  })
  expect(proxies).toEqual({
    http_proxy: 'http://apt.test:1',
    HTTP_PROXY: 'http://apt.test:1',
    no_proxy: 'x',
    NO_PROXY: 'x',
  })
  expect(parseAptSettings('', {})).toEqual({ lines: '', proxies: {} })
})

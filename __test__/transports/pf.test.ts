// The states of pf, in the form that `pfctl -s state` is said to print, and in forms that are malformed. None was recorded on a machine.
import test from 'ava'
import { pfDestination } from '../../src/transports/pf.js'

const client = (address: string, port: number) => ({ address, port, family: address.includes(':') ? 6 : 4 }) as const

const MACOS = `No ALTQ support in kernel
ALTQ related functions disabled
ALL udp 192.168.1.1:5353 -> 224.0.0.251:5353       SINGLE:NO_TRAFFIC
ALL tcp 127.0.0.1:8080 <- 9.9.9.9:80 <- 192.168.1.111:4000       ESTABLISHED:ESTABLISHED
ALL tcp 127.0.0.1:8080 <- 8.8.8.8:80 <- 192.168.1.111:40000       TIME_WAIT:TIME_WAIT
ALL tcp 127.0.0.1:8080 <- 7.7.7.7:80 <- 92.168.1.111:40000       ESTABLISHED:ESTABLISHED
ALL tcp 127.0.0.1:8080 <- 5.5.5.5:443 <- 192.168.1.111:40000       ESTABLISHED:ESTABLISHED
ALL tcp 127.0.0.1:8080 <- 192.168.1.112:40001       ESTABLISHED:ESTABLISHED
ALL tcp 192.168.1.13:57474 -> 23.205.82.58:443       ESTABLISHED:ESTABLISHED
ALL tcp 10.0.0.1:61001 (192.168.1.14:57475) -> 23.205.82.59:443       ESTABLISHED:ESTABLISHED
ALL tcp ::1[8080] <- 2606:4700:30::681f:4ad0[443] <- 2a01:e35:8bae:50f0:0:0:0:1[58505]       ESTABLISHED:ESTABLISHED
ALL tcp 2a01:e35:8bae:50f0::2[58505] -> 2606:4700:30::681f:4ad1[80]       ESTABLISHED:ESTABLISHED
`
const FREEBSD = `all tcp 127.0.0.1:8080 (5.5.5.5:80) <- 192.168.1.111:40001       ESTABLISHED:ESTABLISHED
all tcp ::1[8080] (2001:db8::5[443]) <- 2001:db8::7[40001]       ESTABLISHED:ESTABLISHED
`

test('rdr on macOS: the address in the middle, of this very client, in an established state', (t) => {
  t.deepEqual(pfDestination(MACOS, client('192.168.1.111', 40000)), { address: '5.5.5.5', port: 443, family: 4 })
  t.deepEqual(pfDestination(MACOS, client('::ffff:192.168.1.111', 40000)), { address: '5.5.5.5', port: 443, family: 4 })
  t.is(pfDestination(MACOS, client('192.168.1.111', 40))?.address, undefined)
})

test('rdr on FreeBSD: the address in parentheses', (t) => {
  t.deepEqual(pfDestination(FREEBSD, client('192.168.1.111', 40001)), { address: '5.5.5.5', port: 80, family: 4 })
  t.deepEqual(pfDestination(FREEBSD, client('2001:db8::7', 40001)), { address: '2001:db8::5', port: 443, family: 6 })
})

test('route-to: the far end, also where the address of the client is translated', (t) => {
  t.is(pfDestination(MACOS, client('192.168.1.13', 57474))?.address, '23.205.82.58')
  t.is(pfDestination(MACOS, client('192.168.1.14', 57475))?.address, '23.205.82.59')
})

test('IPv6 has its port in brackets, and its addresses in any spelling', (t) => {
  const found = { address: '2606:4700:30::681f:4ad0', port: 443, family: 6 } as const
  t.deepEqual(pfDestination(MACOS, client('2a01:e35:8bae:50f0::1', 58505)), found)
  t.is(pfDestination(MACOS, client('2a01:e35:8bae:50f0::2', 58505))?.port, 80)
})

test('a connection to the proxy itself was not redirected, and neither was one that pf does not know', (t) => {
  t.is(pfDestination(MACOS, client('192.168.1.112', 40001)), undefined)
  t.is(pfDestination(MACOS, client('192.168.1.113', 40001)), undefined)
  t.is(pfDestination('', client('192.168.1.113', 40001)), undefined)
})

test('lines of another form are passed over', (t) => {
  const lines = [
    'ALL tcp <- <- ESTABLISHED:ESTABLISHED',
    'ESTABLISHED:ESTABLISHED',
    'ALL tcp 127.0.0.1:8080 <- 5.5.5.5:99999 <- 192.168.1.1:1 ESTABLISHED:ESTABLISHED',
    'ALL tcp 127.0.0.1:8080 <- nothing <- 192.168.1.1:1 ESTABLISHED:ESTABLISHED',
    'ALL udp 127.0.0.1:8080 <- 5.5.5.4:80 <- 192.168.1.1:1 ESTABLISHED:ESTABLISHED',
    `ALL tcp ${'1'.repeat(5000)} ESTABLISHED:ESTABLISHED`,
  ]
  t.is(pfDestination(lines.join('\n'), client('192.168.1.1', 1)), undefined)
  const good = 'ALL tcp 127.0.0.1:8080 <- 5.5.5.5:80 <- 192.168.1.1:1   ESTABLISHED:ESTABLISHED'
  t.is(pfDestination([...lines, good].join('\n'), client('192.168.1.1', 1))?.address, '5.5.5.5')
})

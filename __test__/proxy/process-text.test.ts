// The texts of /proc, as Linux 6.18 and container engines write them: sockets, starts of processes, containers.
import test from 'ava'
import type { Address } from '../../src/connection.js'
import {
  commandLineText,
  containerOfCgroup,
  containerOfMounts,
  type Ends,
  isCgroupHidden,
  processMark,
  SocketSearch,
  socketInode,
  wordsText,
} from '../../src/proxy/process-text.js'

const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:07E8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 563 1 00000000e4cbb2d9 100 0 0 10 0
   1: 0100007F:956B 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 750793 1 00000000dd7aa659 100 0 0 10 0
   2: 0100007F:9697 0100007F:B4AE 06 00000000:00000000 03:0000022C 00000000     0        0 0 3 0000000071ba0b23
   3: 0100007F:A89E 0100007F:956B 01 00000000:00000000 00:00000000 00000000     0        0 750794 2 000000004616eac0 20 0 0 10 -1
   9: 0100007F:956B 0100007F:A89E 01 00000000:00000000 00:00000000 00000000     0        0 750795 1 00000000e79ea786 20 0 0 10 -1
`
const TCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:A6BF 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 750792 1 0000000071e9d001 100 0 0 10 0
   1: 00000000000000000000000001000000:EA92 00000000000000000000000001000000:A6BF 01 00000000:00000000 00:00000000 00000000     0        0 750796 2 00000000c6a67e19 20 0 0 10 -1
   2: 0000000000000000FFFF00000100007F:91D8 0000000000000000FFFF00000100007F:E123 01 00000000:00000000 00:00000000 00000000     0        0 750816 2 00000000a28c9185 20 0 0 10 -1
   3: 0000000000000000FFFF00000100007F:E123 0000000000000000FFFF00000100007F:91D8 01 00000000:00000000 00:00000000 00000000     0        0 0 1 000000009b871311 20 0 0 10 -1
`
const UDP = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
 6531: 00000000:BF9F 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 750798 2 000000004cb4ed2c 0
 8270: 0100007F:866A 0100007F:0035 01 00000000:00000000 00:00000000 00000000     0        0 750799 2 00000000ef582582 0
`
const UDP6 = `   sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
13258: 00000000000000000000000000000000:D9E6 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 750800 2 000000002d29f652 0
`

const end = (address: string, port: number): Address => ({ address, port, family: address.includes(':') ? 6 : 4 })
const ends = (transport: Ends['transport'], local: Address, remote: Address): Ends => ({ transport, local, remote })

/** The inode of one connection in these tables. */
function inode(one: Ends, ...tables: string[]): number | undefined {
  const search = new SocketSearch([one])
  for (const line of tables.join('').split('\n')) search.line(line)
  return [...search.found().keys()][0]
}

const HOME = '127.0.0.1'

// The recorded tables are those of a little-endian machine.
const onLittleEndian = wordsText(Uint8Array.of(1, 2, 3, 4)) === '04030201' ? test : test.skip

onLittleEndian('TCP: the client has its own end, and not the end that midwire has accepted', (t) => {
  t.is(inode(ends('tcp', end(HOME, 43_166), end(HOME, 38_251)), TCP, TCP6), 750_794)
  t.is(inode(ends('tcp', end('::1', 60_050), end('::1', 42_687)), TCP, TCP6), 750_796)
})

onLittleEndian('TCP: an IPv4 connection of an IPv6 socket', (t) => {
  t.is(inode(ends('tcp', end(HOME, 37_336), end(HOME, 57_635)), TCP, TCP6), 750_816)
})

onLittleEndian('TCP: sockets that are closed or listen, other ports and other addresses are nobody', (t) => {
  for (const [local, remote] of [
    [end(HOME, 0x9697), end(HOME, 0xb4ae)],
    [end(HOME, 1), end(HOME, 38_251)],
    [end('127.0.0.2', 43_166), end(HOME, 38_251)],
    [end('0.0.0.0', 0x07e8), end('0.0.0.0', 0)],
    [end('', 0), end('', 0)],
  ] as const) {
    t.is(inode(ends('tcp', local, remote), TCP, TCP6), undefined)
  }
})

onLittleEndian('TCP: a destination that was changed on the way: the own end tells, where it is the only one', (t) => {
  const one = ends('tcp', end(HOME, 43_166), end('192.0.2.1', 443))
  t.is(inode(one, TCP), 750_794)
  const twin = TCP.replace('0100007F:9697 0100007F:B4AE 06', '0100007F:A89E 0100007F:B4AE 01').replace(
    ' 0 0 3 ',
    ' 0 77 3 ',
  )
  t.is(inode(one, twin), undefined)
  t.is(inode(ends('tcp', end(HOME, 43_166), end(HOME, 38_251)), twin), 750_794)
})

onLittleEndian('UDP: connected sockets, and those that send from any address', (t) => {
  t.is(inode(ends('udp', end(HOME, 34_410), end(HOME, 53)), UDP, UDP6), 750_799)
  t.is(inode(ends('udp', end(HOME, 49_055), end(HOME, 53)), UDP, UDP6), 750_798)
  t.is(inode(ends('udp', end(HOME, 0xd9e6), end(HOME, 53)), UDP, UDP6), 750_800)
  t.is(inode(ends('udp', end('::1', 0xd9e6), end('::1', 53)), UDP, UDP6), 750_800)
  t.is(inode(ends('udp', end(HOME, 1), end(HOME, 53)), UDP, UDP6), undefined)
})

onLittleEndian('several connections in one pass, which is done when each has its socket', (t) => {
  const all = [
    ends('tcp', end(HOME, 43_166), end(HOME, 38_251)),
    ends('tcp', end('::1', 60_050), end('::1', 42_687)),
  ] as const
  const search = new SocketSearch(all)
  for (const line of TCP.split('\n')) search.line(line)
  t.false(search.done)
  for (const line of TCP6.split('\n')) search.line(line)
  t.true(search.done)
  t.deepEqual(
    [...search.found()],
    [
      [750_794, [all[0]]],
      [750_796, [all[1]]],
    ],
  )
})

test('words of an address are in the order of the machine', (t) => {
  t.is(wordsText(Uint8Array.of(127, 0, 0, 1), true), '0100007F')
  t.is(wordsText(Uint8Array.of(127, 0, 0, 1), false), '7F000001')
})

test('links, starts and command lines', (t) => {
  t.is(socketInode('socket:[750794]'), 750_794)
  for (const link of ['', 'pipe:[1]', '/tmp/socket:[1]', 'anon_inode:[eventpoll]']) t.is(socketInode(link), undefined)
  const stat = '18459 (a) (b) c) R 18304 18304 25646 0 -1 4194304 3025 0 0 0 8 2 0 0 20 0 11 0 588742 780111872 11237\n'
  t.is(processMark(stat), '588742 a) (b) c')
  for (const wrong of ['', '1', '1 (a', '1 (a) R 1', ')(']) t.is(processMark(wrong), undefined)
  t.is(commandLineText('curl\0-x\0a b\0\0'), 'curl -x a b')
  t.is(commandLineText(''), '')
})

const ID = '3f0d6d9c1b7a4e25'.repeat(4)
const OUTER = 'ab12'.repeat(16)

test('the container of a process, out of its cgroup', (t) => {
  for (const path of [
    `/docker/${ID}`,
    `/docker/${OUTER}/docker/${ID}`,
    `/system.slice/docker-${ID}.scope`,
    `/system.slice/docker-${ID}.scope/init`,
    `/../docker-${ID}.scope`,
    `/kubepods/besteffort/pod0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0/${ID}`,
    `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0f1e.slice/cri-containerd-${ID}.scope`,
    `/system.slice/containerd.service/kubepods-besteffort-pod0f1e.slice:cri-containerd:${ID}`,
    `/kubepods.slice/kubepods-pod0f1e.slice/crio-${ID}.scope`,
    `/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope/container`,
    `/machine.slice/libpod-${ID}.scope`,
    `/default/${ID}`,
  ]) {
    t.is(containerOfCgroup(`0::${path}\n`), ID, path)
    t.is(containerOfCgroup(`12:pids:/\n4:memory:${path}\n0::/\n`), ID, path)
  }
  t.is(containerOfCgroup('0::/machine.slice/systemd-nspawn@web\\x2d1.service/payload\n'), 'web-1')
  t.is(containerOfCgroup('0::/machine.slice/machine-web.scope\n'), 'web')
  t.is(containerOfCgroup('0::/lxc.payload.web/init.scope\n'), 'web')
})

test('outside a container there is none', (t) => {
  for (const cgroup of [
    '',
    '0::/\n',
    '0::/user.slice/user-1000.slice/session-2.scope\n',
    '9:name=systemd:/\n4:memory:/process_api/b34db2b951c28e3088b8e3109b503993\n0::/\n',
    `0::/machine.slice/libpod-conmon-${ID}.scope\n`,
    `0::/docker/${ID}0\n`,
  ]) {
    t.is(containerOfCgroup(cgroup), undefined, cgroup)
  }
})

test('a private namespace of cgroups: the mounts tell', (t) => {
  t.true(isCgroupHidden('0::/\n'))
  t.false(isCgroupHidden('0::/user.slice\n'))
  for (const [root, point] of [
    [`/var/lib/docker/containers/${ID}/resolv.conf`, '/etc/resolv.conf'],
    [`/containers/storage/overlay-containers/${ID}/userdata/hostname`, '/etc/hostname'],
    [`/var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/${ID}/hostname`, '/etc/hostname'],
  ]) {
    const text = `1 0 0:30 / / rw - overlay overlay rw\n513 501 254:1 ${root} ${point} rw,relatime - ext4 /dev/vda1 rw\n`
    t.is(containerOfMounts(text), ID)
  }
  // The machine of the containers has their directories, too.
  const host = `900 30 0:60 / /var/lib/docker/containers/${ID}/mounts/shm rw - tmpfs shm rw\n`
  t.is(containerOfMounts(host), undefined)
  t.is(containerOfMounts(''), undefined)
})

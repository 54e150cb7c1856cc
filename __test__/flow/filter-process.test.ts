// The filters for processes of clients on this machine, and which filters make the proxy look for them.
import test from 'ava'
import { parseFilter, seeksProcesses } from '../../src/flow/filter.js'
import { tcpFlow } from '../support/flows.js'

test('path, command line and container', (t) => {
  const local = tcpFlow()
  const process = {
    pid: 7,
    path: '/usr/bin/python3.12',
    commandLine: 'python job.py --all',
    container: 'c0ffee'.repeat(8),
  }
  Object.assign(local, { client: { ...local.client, process } })
  for (const text of ['~process ^/usr/bin/python', '~process "job.py --all$"', '~container ^C0FFEE']) {
    t.true(parseFilter(text)(local), text)
    t.false(parseFilter(text)(tcpFlow()), text)
  }
  for (const text of ['~process curl', '~container python']) t.false(parseFilter(text)(local), text)
})

test('a filter tells whether it asks for processes', (t) => {
  for (const text of ['~process a', '!~container a', '~d a & (~e | !~process a)']) t.true(seeksProcesses(text), text)
  for (const text of ['~d process', '~comment "~process a"', 'process']) t.false(seeksProcesses(text), text)
})

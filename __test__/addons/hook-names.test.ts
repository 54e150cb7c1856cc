// Names of hooks: what is nearly one is refused with the one that was meant, and helpers are nobody's business.
import test, { type ExecutionContext } from 'ava'
import { checkHookName, hooksOf } from '../../src/addons/hook-names.js'
import { type Addon, FOREIGN_HOOKS, HOOK_NAMES } from '../../src/hooks.js'

const addon = (members: object) => members as Addon

function refused(t: ExecutionContext, members: object, message: RegExp) {
  t.throws(() => hooksOf(addon(members)), { code: 'ERR_HOOK', message })
}

test('methods that are hooks, of an object and of its class', (t) => {
  class Base {
    request() {}
  }
  class Mine extends Base {
    done = () => {}
    response() {}
  }
  t.deepEqual(hooksOf(addon(new Mine())).sort(), ['done', 'request', 'response'])
  t.deepEqual(hooksOf(addon({ error: new Error('kept'), request: undefined })), [])
})

test('a name with one letter wrong, or written as JavaScript would have it, is refused', (t) => {
  refused(t, { name: 'mine', reqest() {} }, /^addon mine: there is no hook reqest, did you mean request\?$/)
  refused(t, { respnose() {} }, /^there is no hook respnose, did you mean response\?$/)
  refused(t, { requestHeaders() {} }, /did you mean requestheaders\?$/)
  refused(t, { tlsEstablishedClient() {} }, /did you mean tls_established_client\?$/)
  refused(t, { request() {}, dns_requst() {} }, /did you mean dns_request\?$/)
  class Mine {
    clientConnected() {}
  }
  refused(t, new Mine(), /did you mean client_connected\?$/)
})

test("hooks of mitmproxy's that are not there are refused", (t) => {
  for (const name of FOREIGN_HOOKS) {
    refused(t, { [name]() {} }, /is one of mitmproxy's that midwire does not have yet$/)
    t.false(HOOK_NAMES.some((one) => one === name))
  }
})

test('helpers, values and classes may have any name', (t) => {
  const helpers = {
    respond() {},
    loader() {},
    updating() {},
    log() {},
    requester() {},
    reset() {},
    _helper() {},
    test() {},
  }
  const values = { Request: class Request {}, reqest: 'text', errors: [], requests: new Map() }
  t.deepEqual(hooksOf(addon({ ...helpers, ...values, request() {} })), ['request'])
})

test('a name alone is known or refused', (t) => {
  for (const name of HOOK_NAMES) t.notThrows(() => checkHookName(name))
  const said = (name: string) => t.throws(() => checkHookName(name), { code: 'ERR_HOOK' })?.message ?? ''
  t.is(said('reqest'), 'there is no hook reqest, did you mean request?')
  t.is(said('quic_start_client'), "the hook quic_start_client is one of mitmproxy's that midwire does not have yet")
  t.regex(said('toString'), /^there is no hook toString, the hooks are load, configure, running/)
  t.regex(said('a\nb'), /^there is no hook a\\nb, /)
})

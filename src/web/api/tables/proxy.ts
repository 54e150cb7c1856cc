// The endpoints for the proxy: its state, options, modes, peers, certificate, log, commands, mocks and breakpoints.
import * as v from 'valibot'
import { bytes, table } from '../endpoint.js'
import { count, Filter, line, MAX_ROWS } from '../schemas/common.js'
import {
  Breakpoint,
  Certificate,
  Command,
  FilterCheck,
  LogLine,
  Mock,
  MockChange,
  MockOrder,
  Modes,
  NewBreakpoint,
  NewMock,
  Option,
  OptionValues,
  PassedThrough,
  Peer,
  State,
  Trust,
  Usage,
} from '../schemas/proxy.js'

const Spec = v.object({ spec: v.pipe(line(10_000), v.minLength(1)) })
const RuleParams = v.object({ id: line(100) })
const PeerParams = v.object({ name: line(100) })
/** The mode, where there are several tunnels. */
const PeerQuery = v.object({ spec: v.optional(line(10_000)) })
const Options = v.object({ options: v.array(Option) })

export const proxy = table({
  getState: {
    method: 'GET',
    path: '/state',
    summary: 'version, memory and disk in use, what there is',
    response: State,
  },
  getUsage: { method: 'GET', path: '/usage', summary: 'memory and disk in use', response: Usage },
  getOpenApi: {
    method: 'GET',
    path: '/openapi.json',
    summary: 'this API as an OpenAPI document',
    response: v.record(v.string(), v.unknown()),
  },
  listOptions: { method: 'GET', path: '/options', summary: 'all options with types and help', response: Options },
  setOptions: {
    method: 'PATCH',
    path: '/options',
    summary: 'changes options, all that are given or none, for connections that begin from now on',
    body: OptionValues,
    response: Options,
  },
  listModes: {
    method: 'GET',
    path: '/modes',
    summary: 'modes that run or have failed, and the kinds there are',
    response: Modes,
  },
  addMode: {
    method: 'POST',
    path: '/modes',
    summary: 'adds a mode, or tries one that has failed again',
    body: Spec,
    response: Modes,
  },
  removeMode: { method: 'DELETE', path: '/modes', summary: 'removes a mode', query: Spec, response: Modes },
  listPeers: {
    method: 'GET',
    path: '/peers',
    summary: 'WireGuard peers with their traffic',
    response: v.object({ peers: v.array(Peer) }),
  },
  addPeer: {
    method: 'POST',
    path: '/peers',
    summary: 'lets a device into the tunnel: with a new key pair, or with its own public key',
    body: v.object({
      name: v.pipe(line(100), v.minLength(1)),
      publicKey: v.optional(line(44)),
      spec: v.optional(line(10_000)),
    }),
    response: Peer,
  },
  removePeer: {
    method: 'DELETE',
    path: '/peers/:name',
    summary: 'shuts a device out of the tunnel',
    params: PeerParams,
    query: PeerQuery,
  },
  getPeerConfig: {
    method: 'GET',
    path: '/peers/:name/config',
    summary: "a device's WireGuard configuration, with its private key",
    params: PeerParams,
    query: PeerQuery,
    response: bytes('the file for WireGuard', 'text/plain'),
  },
  getPeerCode: {
    method: 'GET',
    path: '/peers/:name/code',
    summary: "a device's WireGuard configuration as a QR code",
    params: PeerParams,
    query: PeerQuery,
    response: bytes('the QR code', 'image/svg+xml'),
  },
  listTrust: {
    method: 'GET',
    path: '/trust',
    summary: 'clients that trust our certificate or have refused it, and those that pass undecrypted',
    response: v.object({ clients: v.array(Trust), passedThrough: v.array(PassedThrough) }),
  },
  clearPassedThrough: {
    method: 'DELETE',
    path: '/trust/passed',
    summary: 'the next connection of those that pass undecrypted is decrypted again',
  },
  getCertificate: {
    method: 'GET',
    path: '/certificate',
    summary: 'the certificate that devices are to trust, and the steps',
    response: Certificate,
  },
  downloadCertificate: {
    method: 'GET',
    path: '/certificate/file',
    summary: 'the certificate that devices are to trust',
    query: v.object({
      /** `cer`: DER. Default: pem. */
      format: v.optional(v.picklist(['pem', 'cer'])),
    }),
    response: bytes('the certificate', 'application/x-pem-file', 'application/x-x509-ca-cert'),
  },
  getLog: {
    method: 'GET',
    path: '/log',
    summary: 'the last lines of the log, the oldest first',
    query: v.object({
      /** This level and those above it. Default: debug. */
      level: v.optional(v.picklist(['error', 'warn', 'info', 'debug'])),
      limit: v.optional(count(0, MAX_ROWS)),
    }),
    response: v.object({ lines: v.array(LogLine) }),
  },
  listCommands: {
    method: 'GET',
    path: '/commands',
    summary: 'what can be done by name',
    response: v.object({ commands: v.array(Command) }),
  },
  runCommand: {
    method: 'POST',
    path: '/commands/:name',
    summary: 'performs a command, with values as a user types them',
    params: v.object({ name: line(200) }),
    body: v.object({ arguments: v.pipe(v.array(v.union([v.string(), v.number(), v.boolean()])), v.maxLength(1_000)) }),
    response: v.object({ result: v.optional(v.unknown()) }),
  },
  checkFilter: {
    method: 'GET',
    path: '/filter',
    summary: 'whether a filter is right, and where it is not',
    query: v.object({ filter: Filter }),
    response: FilterCheck,
  },
  getFilterHelp: {
    method: 'GET',
    path: '/filter/help',
    summary: 'the operators of filters',
    response: v.object({ operators: v.array(v.object({ operator: v.string(), help: v.string() })) }),
  },
  listMocks: {
    method: 'GET',
    path: '/mocks',
    summary: 'rules that answer in the place of servers',
    response: v.object({ mocks: v.array(Mock) }),
  },
  addMock: {
    method: 'POST',
    path: '/mocks',
    summary: 'answers requests that match from now on',
    body: NewMock,
    response: Mock,
  },
  changeMock: {
    method: 'PATCH',
    path: '/mocks/:id',
    summary: 'changes a rule, or switches it off and on',
    params: RuleParams,
    body: MockChange,
    response: Mock,
  },
  orderMocks: {
    method: 'PUT',
    path: '/mocks/order',
    summary: 'brings the rules into another order: the first that matches counts',
    body: MockOrder,
    response: v.object({ mocks: v.array(Mock) }),
  },
  removeMock: { method: 'DELETE', path: '/mocks/:id', summary: 'removes a rule', params: RuleParams },
  clearMocks: { method: 'DELETE', path: '/mocks', summary: 'removes all rules that this API has made' },
  listBreakpoints: {
    method: 'GET',
    path: '/breakpoints',
    summary: 'filters whose flows wait',
    response: v.object({ breakpoints: v.array(Breakpoint) }),
  },
  addBreakpoint: {
    method: 'POST',
    path: '/breakpoints',
    summary: 'makes requests or responses that match wait from now on',
    body: NewBreakpoint,
    response: Breakpoint,
  },
  removeBreakpoint: {
    method: 'DELETE',
    path: '/breakpoints/:id',
    summary: 'removes a breakpoint; its flows go on',
    params: RuleParams,
  },
})

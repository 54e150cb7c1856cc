// What the API says of the proxy itself: options, modes, peers, certificate, log, commands, memory and disk.
import * as v from 'valibot'
import { Content, count, Filter, line, Milliseconds } from './common.js'

const text = v.optional(v.string())
const Transport = v.picklist(['tcp', 'udp'])

export const Value = v.union([v.string(), v.number(), v.boolean(), v.array(v.string())])

export const Option = v.object({
  name: v.string(),
  type: v.picklist(['boolean', 'integer', 'string', 'strings', 'path', 'paths', 'size', 'choice', 'regexps']),
  help: v.string(),
  value: v.optional(Value),
  default: v.optional(Value),
  choices: v.optional(v.array(v.string())),
  range: v.optional(v.tuple([v.number(), v.number()])),
  /** Read when midwire starts: it cannot be changed. */
  fixed: v.boolean(),
  /** Its value is a secret, and is not shown: `value` is `...` where there is one. */
  secret: v.boolean(),
})

/** Null brings the default back. */
export const OptionValues = v.record(line(100), v.nullable(Value))

export const Listener = v.object({
  spec: v.string(),
  mode: v.string(),
  host: v.string(),
  port: count(),
  transport: Transport,
  dropped: v.optional(count()),
})

export const Mode = v.object({
  spec: v.string(),
  name: v.string(),
  state: v.picklist(['running', 'starting', 'failed']),
  error: text,
  listeners: v.array(Listener),
})

/** A mode that midwire has. */
export const ModeKind = v.object({
  name: v.string(),
  description: v.string(),
  defaultPort: count(),
  transports: v.array(Transport),
  data: v.optional(v.object({ placeholder: v.string(), help: v.string() })),
})

export const Modes = v.object({ modes: v.array(Mode), kinds: v.array(ModeKind) })

export const Peer = v.object({
  name: v.string(),
  publicKey: v.string(),
  spec: v.string(),
  addresses: v.array(v.string()),
  endpoints: v.array(v.string()),
  /** Its private key is known: there is a configuration to hand out. */
  hasConfig: v.boolean(),
  /** Undefined where the tunnel does not run. */
  traffic: v.optional(
    v.object({
      endpoint: text,
      handshakeAt: v.optional(Milliseconds),
      receivedBytes: count(),
      sentBytes: count(),
      dropped: count(),
    }),
  ),
  /** Whether it trusts our certificate; undefined where it has not shown that yet. */
  trusts: v.optional(v.boolean()),
})

export const LogLine = v.object({
  level: v.picklist(['error', 'warn', 'info', 'debug']),
  message: v.string(),
  timestamp: Milliseconds,
})

export const Command = v.object({
  name: v.string(),
  help: v.string(),
  /** `flow.mark FLOWS MARK`. */
  usage: v.string(),
  arguments: v.array(
    v.object({
      name: v.string(),
      type: v.picklist(['text', 'number', 'boolean', 'path', 'flow', 'flows', 'choice']),
      choices: v.optional(v.array(v.string())),
      optional: v.optional(v.boolean()),
      rest: v.optional(v.boolean()),
    }),
  ),
})

export const Usage = v.object({
  /** Recorded flows, and those that run. */
  flows: count(),
  running: count(),
  /** Bytes: of recorded flows in memory and on disk. */
  memory: count(),
  disk: count(),
  /** Flows that were dropped for want of room; that were not written to disk. */
  forgotten: count(),
  unwritten: count(),
  /** Bytes that the process has in memory. */
  process: count(),
  /** Clients of this API that follow updates. */
  followers: count(),
})

/** Parts of a text; `strong`: a word on the screen, `code`: what is typed. */
const Sentence = v.array(v.union([v.string(), v.tuple([v.picklist(['strong', 'code']), v.string()])]))

export const Certificate = v.object({
  /** The fields are those of `CertificateInfo`. */
  name: v.string(),
  validFrom: Milliseconds,
  validTo: Milliseconds,
  fingerprint: v.string(),
  /** The page with the certificate that devices open through the proxy: `http://mitm.it`. */
  page: text,
  /** What to do on each kind of device. */
  devices: v.array(
    v.object({
      device: v.string(),
      title: v.string(),
      file: v.picklist(['pem', 'cer', 'p12']),
      steps: v.array(Sentence),
      /** Each step is for another system or program, and only one is needed. */
      apart: v.boolean(),
      note: v.optional(Sentence),
    }),
  ),
})

export const Trust = v.object({
  client: v.string(),
  key: v.string(),
  trusts: v.boolean(),
  name: text,
  at: Milliseconds,
})

export const PassedThrough = v.object({ client: v.string(), name: v.string(), until: Milliseconds })

export const State = v.object({
  version: v.string(),
  node: v.string(),
  platform: v.string(),
  startedAt: Milliseconds,
  confdir: v.string(),
  /** The URL of the HTTP proxy; undefined where no mode is one. */
  proxyUrl: text,
  /** The names of views, `auto` first, and of the formats of `export`. */
  views: v.array(v.string()),
  exports: v.array(v.string()),
  hasWireGuard: v.boolean(),
  usage: Usage,
})

/** An answer in the place of a server's. At most one of text, base64 and json is given. */
export const MockAnswer = v.object({
  status: v.optional(count(100, 999)),
  headers: v.optional(v.record(line(), line(1_000_000))),
  content: v.optional(Content),
  json: v.optional(v.unknown()),
})

export const NewMock = v.object({
  filter: Filter,
  respond: MockAnswer,
  /** How often it may be used. Default: without an end. */
  times: v.optional(count(1)),
})

/** `enabled`: false for one that is switched off, and keeps its place. */
export const Mock = v.object({ ...NewMock.entries, id: v.string(), used: count(), enabled: v.boolean() })

/** Fields that are given change the mock; `times: null` lets it answer without end. */
export const MockChange = v.partial(
  v.object({ filter: Filter, respond: MockAnswer, times: v.nullable(count(1)), enabled: v.boolean() }),
)

/** Ids of all mocks, in their new order: the first that matches counts. */
export const MockOrder = v.object({ ids: v.pipe(v.array(line(100)), v.maxLength(1_000)) })

export const NewBreakpoint = v.object({
  filter: Filter,
  /** Where flows wait. Default: at both. */
  at: v.optional(v.picklist(['request', 'response'])),
})

/** `waiting`: flows that it has made wait, which are not resumed yet. */
export const Breakpoint = v.object({ ...NewBreakpoint.entries, id: v.string(), waiting: v.array(v.string()) })

export const FilterCheck = v.object({
  valid: v.boolean(),
  message: text,
  /** The character at which it is wrong, from 0 on. */
  at: v.optional(count()),
})

// The rooms of src, and what each of them may import: what ARCHITECTURE.md says, as the table that its test reads.

/** The words that every room may speak: hooks, commands, error codes, connections. */
export const tables = ['hooks', 'commands', 'errors', 'connection']

/** The types of tables and of options are free to all. */
export const spoken = [...tables, 'options']

interface Room {
  /** Rooms (folders of src) and tables whose values it may import; types of tables and of options are free to all. */
  imports: string[]
  /** Node's modules that it may import. */
  node: string[]
  /** Files of its own that are shared; set where one variant must not know another. */
  shared?: string[]
  /** What may not occur in its text. */
  never?: RegExp
}

export const rooms: Record<string, Room> = {
  app: {
    imports: [],
    node: [],
    // The page's CSP refuses them, or they would run what a peer has sent.
    never: /\b(innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML)\b|\beval\(|\bstyle="/,
  },
  addresses: { imports: [], node: ['net'] },
  regexp: { imports: [], node: [], never: /\bPromise\b|\bDate\b|\bMath\.random\b|\basync\b|\bsetTimeout\b/ },
  options: {
    imports: ['errors', 'hooks', 'regexp'],
    node: ['os', 'path'],
    never: /\bnew Promise\b|\bPromise\.|\bDate\b|\bMath\.random\b|\basync\b|\bsetTimeout\b/,
  },
  native: { imports: ['errors'], node: ['module'] },
  transports: {
    imports: ['addresses', 'connection', 'errors', 'native'],
    // pf tells a connection's original destination by its command alone.
    node: [
      'net',
      'tls',
      'dgram',
      'dns',
      'stream',
      'events',
      'buffer',
      'timers',
      // The name of a system's error by its number.
      'util',
      'os',
      'worker_threads',
      'child_process',
    ],
  },
  layers: {
    imports: ['addresses', 'connection', 'errors', 'flow', 'hooks'],
    node: ['buffer', 'zlib', 'crypto'],
    never: /\bnew Promise\b|\bPromise\.|\bDate\b|\bMath\.random\b|\basync\b/,
  },
  flow: { imports: ['addresses', 'connection', 'errors', 'regexp'], node: ['zlib', 'buffer'] },
  formats: { imports: ['addresses', 'connection', 'flow', 'errors'], node: ['buffer', 'zlib'] },
  views: {
    imports: ['flow', 'errors'],
    node: ['zlib', 'buffer'],
    never: /\bnew Promise\b|\bPromise\.|\bDate\b|\bMath\.random\b|\bsetTimeout\b/,
  },
  store: {
    imports: ['flow', 'errors', 'formats'],
    node: ['fs', 'fs/promises', 'path', 'os', 'buffer', 'stream', 'zlib'],
  },
  certs: {
    imports: ['addresses', 'errors', 'native'],
    node: ['crypto', 'tls', 'net', 'fs', 'fs/promises', 'path', 'buffer'],
  },
  modes: {
    imports: ['addresses', 'connection', 'errors', 'flow', 'layers', 'transports'],
    node: ['net', 'buffer', 'fs', 'fs/promises', 'os', 'path', 'crypto'],
    shared: [
      'mode',
      'quoted',
      'spec',
      'listen',
      'listener',
      'server-spec',
      'tproxy',
      'subnet',
      'tunnel-arrivals',
      'tunnel-server',
      'wireguard-conf',
      'wireguard-file',
      'wireguard-json',
    ],
  },
  proxy: {
    imports: [
      ...[...tables, 'addresses', 'options', 'layers', 'modes', 'transports', 'certs', 'flow', 'addons', 'sinks'],
      ...['store', 'formats', 'views', 'mock'],
    ],
    node: [
      ...['net', 'tls', 'dgram', 'dns', 'events', 'stream', 'buffer', 'timers', 'http2'],
      ...['crypto', 'os', 'path', 'fs/promises'],
      // The thread that watches hooks writes by itself.
      ...['fs', 'worker_threads'],
    ],
  },
  mock: {
    imports: ['addresses', 'errors', 'flow'],
    node: ['fs/promises', 'path', 'util', 'buffer', 'timers'],
  },
  addons: {
    imports: ['addresses', 'flow', 'hooks', 'commands', 'errors', 'regexp', 'store', 'formats', 'views'],
    node: ['fs', 'fs/promises', 'path', 'url', 'util', 'buffer', 'zlib', 'crypto', 'net', 'module'],
    shared: [
      'onboarding-page',
      'onboarding-style',
      'onboarding-steps',
      ...['own-module', 'own-resolver', 'private-file', 'script-files'],
      'hook-names',
      'by-option',
      ...['replay-host', 'client-replay', 'server-replay-key', 'server-replay-refresh'],
      'htpasswd',
      'rule-value',
      'file-types',
      'cookie-jar',
      'accepts',
      'own-version',
      'strftime',
      'flow-backup',
    ],
  },
  sinks: {
    imports: ['addresses', 'flow', 'hooks', 'errors', 'store', 'formats', 'views'],
    node: ['fs', 'fs/promises', 'path', 'util', 'buffer', 'stream', 'os', 'tty'],
    shared: ['sink', 'lines', 'text', 'content', 'shown', 'live'],
  },
  cli: {
    imports: ['index', 'web'],
    node: [
      ...['fs', 'fs/promises', 'path', 'os', 'util', 'process', 'tty', 'readline', 'url'],
      // The firewall's commands of `midwire transparent`, and the command of `midwire run`.
      'child_process',
      // The demonstration's device and web site.
      ...['http', 'https', 'tls', 'net', 'events', 'stream'],
    ],
  },
  web: {
    imports: ['index'],
    node: ['http', 'net', 'path', 'url', 'fs', 'fs/promises', 'crypto', 'stream', 'events', 'buffer'],
  },
}

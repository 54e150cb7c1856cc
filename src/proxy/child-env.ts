// The environment variables that lead a child process through the proxy, and make it trust the proxy's authority.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFileAtomically } from '../certs/files.js'
import { trustedRoots } from '../certs/trust.js'
import { MidwireError } from '../errors.js'

/** The file in the conf dir that has the system's roots and our authority: most programs trust only what is in the file that is named. */
export const BUNDLE = 'midwire-ca-bundle.pem'

/** Variables with the proxy's URL. Some programs read only the lower-case ones, some only the others. */
const PROXY = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy']

/** Variables with a list of hosts that are not proxied: none. */
const DIRECT = ['NO_PROXY', 'no_proxy']

/** Variables that name a file with all authorities, each with the programs that read it. */
const BUNDLE_VARIABLES: Readonly<Record<string, string>> = {
  SSL_CERT_FILE: 'OpenSSL: Ruby, PHP, Perl, wget; Go on Linux; Rust by rustls-native-certs; uv',
  CURL_CA_BUNDLE: 'curl, and Python requests',
  REQUESTS_CA_BUNDLE: 'Python requests',
  PIP_CERT: 'pip',
  HTTPLIB2_CA_CERTS: 'Python httplib2',
  GIT_SSL_CAINFO: 'git',
  AWS_CA_BUNDLE: "AWS's command line and SDKs",
  CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE: "Google Cloud's command line",
  CARGO_HTTP_CAINFO: 'cargo',
  npm_config_cafile: 'npm, pnpm',
  YARN_HTTPS_CA_FILE_PATH: 'yarn',
  BUNDLE_SSL_CA_CERT: 'Bundler',
  COMPOSER_CAFILE: 'Composer',
  HEX_CACERTS_PATH: 'Hex',
  NIX_SSL_CERT_FILE: 'Nix',
  GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: 'gRPC',
  DENO_CERT: 'Deno',
}

export interface ChildEnvParts {
  /** The proxy's URL. */
  readonly url: string
  readonly confdir: string
  /** The authority's certificate as PEM, and the file that has it alone; undefined where there is no such file. */
  readonly pem: string
  readonly certificatePath: string | undefined
}

/** The variables. Writes the file of authorities where it is not as it should be. Rejects with ERR_CONFDIR where it cannot. */
export async function childEnv({ url, confdir, pem, certificatePath }: ChildEnvParts): Promise<Record<string, string>> {
  const bundle = join(confdir, BUNDLE)
  const text = [pem, ...trustedRoots().filter((root) => root.trim() !== pem.trim())]
    .map((one) => `${one.trim()}\n`)
    .join('')
  try {
    const found = await readFile(bundle, 'utf8').catch(() => undefined)
    if (found !== text) await writeFileAtomically(bundle, text, 0o644)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new MidwireError('ERR_CONFDIR', `${bundle} cannot be written (${reason})`, { cause })
  }
  const all = (names: readonly string[], value: string) => Object.fromEntries(names.map((name) => [name, value]))
  // Node adds this file to the authorities of its own. One that the user has set there is in the bundle, too.
  const extra = process.env.NODE_EXTRA_CA_CERTS ? bundle : (certificatePath ?? bundle)
  return {
    ...all(PROXY, url),
    ...all(DIRECT, ''),
    ...all(Object.keys(BUNDLE_VARIABLES), bundle),
    NODE_EXTRA_CA_CERTS: extra,
    // Node's fetch and http use the proxy by themselves from 22.21 and 24.5 on.
    NODE_USE_ENV_PROXY: '1',
  }
}

// What a user can do about a request that has failed, by the code of the failure.

const TRUST = 'trust its authority with --set ssl_verify_upstream_trusted_ca=FILE, or any certificate with -k'

const ADVICE: Record<string, string> = {
  ENOTFOUND:
    "check the spelling of the name; midwire asks this machine's name servers, unless --set dns_name_servers=ADDRESS names others",
  EAI_AGAIN: "check this machine's network, or ask another name server: --set dns_name_servers=ADDRESS",
  ECONNREFUSED: 'check that the server runs, and that the port is right',
  ETIMEDOUT: 'check that the server is up and that no firewall is in the way, then try again',
  EHOSTUNREACH: "check the address, and this machine's network",
  ENETUNREACH: "check the address, and this machine's network: it may have no IPv6",
  ECONNRESET: 'try again; where it stays so, the server, or a firewall on the way, does not want this connection',
  EMFILE: 'allow midwire more open files (ulimit -n), and start it again',
  LOOP: 'ask for the server behind midwire, and not for midwire itself',
  VIA: 'check the proxies on the way (option via, or the mode), and their passwords',
  KILLED: 'an addon did not let midwire connect: look at the scripts that run',
  INSIDE: 'go to the first page of that host',
  ADDON: "look at the addon; where it has failed, midwire's log says at which line",
  BODY_TOO_LARGE: 'allow larger bodies with --set body_size_limit=SIZE, such as 10m',
  BAD_REQUEST: 'correct the client; what is odd but has one meaning passes with --set validate_inbound_headers=false',
  REQUEST_TIMEOUT: 'send the whole request at once, or allow more time with --set tcp_timeout=SECONDS',
  REQUEST_HEADER_FIELDS_TOO_LARGE:
    'send fewer or shorter header fields; often the cookies of the site have to be deleted',
  URI_TOO_LONG: 'send a shorter URL',
  BAD_GATEWAY:
    'the server is at fault, or something on the way to it; midwire shows the flow, and its log has more with -v',
  GATEWAY_TIMEOUT: 'try again, or allow the server more time with --set tcp_timeout=SECONDS',
}

/** Codes of certificates that are not trusted, as OpenSSL and Node name them. */
const CERTIFICATE = /CERT|ISSUER|SIGNATURE|INVALID_CA|HOSTNAME_MISMATCH/

/** Sentences about TLS end in what to do. */
const HAS_ADVICE = /(^|[ (])(-k|--[a-z])/

/** What to do, in words that follow a colon. Undefined where `message` says so already, and where nothing helps. */
export function adviceFor(code: string, message: string): string | undefined {
  if (HAS_ADVICE.test(message)) return undefined
  return ADVICE[code] ?? (CERTIFICATE.test(code) ? TRUST : undefined)
}

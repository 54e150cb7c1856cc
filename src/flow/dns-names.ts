// The numbers of DNS by their names: types, classes, opcodes, response codes, EDNS options, SVCB keys (IANA, DNS parameters).

/** Types of records, and those that only a question can have. */
export const DNS_TYPE = {
  A: 1,
  NS: 2,
  MD: 3,
  MF: 4,
  CNAME: 5,
  SOA: 6,
  MB: 7,
  MG: 8,
  MR: 9,
  NULL: 10,
  WKS: 11,
  PTR: 12,
  HINFO: 13,
  MINFO: 14,
  MX: 15,
  TXT: 16,
  RP: 17,
  AFSDB: 18,
  RT: 21,
  SIG: 24,
  KEY: 25,
  PX: 26,
  AAAA: 28,
  LOC: 29,
  NXT: 30,
  SRV: 33,
  NAPTR: 35,
  KX: 36,
  CERT: 37,
  DNAME: 39,
  OPT: 41,
  DS: 43,
  SSHFP: 44,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  NSEC3: 50,
  NSEC3PARAM: 51,
  TLSA: 52,
  SMIMEA: 53,
  CDS: 59,
  CDNSKEY: 60,
  OPENPGPKEY: 61,
  CSYNC: 62,
  ZONEMD: 63,
  SVCB: 64,
  HTTPS: 65,
  SPF: 99,
  EUI48: 108,
  EUI64: 109,
  TKEY: 249,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  URI: 256,
  CAA: 257,
} as const

export const DNS_CLASS = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 } as const

export const DNS_OPCODE = { QUERY: 0, IQUERY: 1, STATUS: 2, NOTIFY: 4, UPDATE: 5, DSO: 6 } as const

/** Response codes; those from 16 on need an OPT record (RFC 6891, 6.1.3). */
export const DNS_RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  YXRRSET: 7,
  NXRRSET: 8,
  NOTAUTH: 9,
  NOTZONE: 10,
  BADVERS: 16,
  BADKEY: 17,
  BADTIME: 18,
  BADMODE: 19,
  BADNAME: 20,
  BADALG: 21,
  BADTRUNC: 22,
  BADCOOKIE: 23,
} as const

export const EDNS_OPTION = {
  NSID: 3,
  DAU: 5,
  DHU: 6,
  N3U: 7,
  'CLIENT-SUBNET': 8,
  EXPIRE: 9,
  COOKIE: 10,
  'TCP-KEEPALIVE': 11,
  PADDING: 12,
  CHAIN: 13,
  'KEY-TAG': 14,
  EDE: 15,
} as const

/** SvcParamKeys (RFC 9460, 14.3.2; RFC 9461, RFC 9540, RFC 9848). */
export const SVCB_KEY = {
  mandatory: 0,
  alpn: 1,
  'no-default-alpn': 2,
  port: 3,
  ipv4hint: 4,
  ech: 5,
  ipv6hint: 6,
  dohpath: 7,
  ohttp: 8,
} as const

function namesOf(table: Readonly<Record<string, number>>): (value: number) => string | undefined {
  const names = new Map(Object.entries(table).map(([name, value]) => [value, name]))
  return (value) => names.get(value)
}

const [types, classes, opcodes, rcodes, options, keys] = [
  namesOf(DNS_TYPE),
  namesOf(DNS_CLASS),
  namesOf(DNS_OPCODE),
  namesOf(DNS_RCODE),
  namesOf(EDNS_OPTION),
  namesOf(SVCB_KEY),
]

/** `A`; `TYPE65280` for a type that has no name here (RFC 3597, 5). */
export const typeName = (type: number): string => types(type) ?? `TYPE${type}`

/** `IN`; `CLASS42` for a class that has no name here. */
export const className = (value: number): string => classes(value) ?? `CLASS${value}`

export const opcodeName = (opcode: number): string => opcodes(opcode) ?? `OPCODE${opcode}`

export const rcodeName = (rcode: number): string => rcodes(rcode) ?? `RCODE${rcode}`

export const optionName = (code: number): string => options(code) ?? `OPT${code}`

/** `alpn`; `key65280` for a key that has no name here (RFC 9460, 2.1). */
export const svcbKeyName = (key: number): string => keys(key) ?? `key${key}`

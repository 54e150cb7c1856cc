// The public types of midwire, rolled up from src/index.ts by `npm run types`. Not to be edited.

import { X509Certificate, KeyObject } from 'node:crypto';
import { SecureContext } from 'node:tls';
import { Duplex } from 'node:stream';

/** A text, or a text with a style. `strong`: a word on the screen. `code`: what is typed. */
type StepPart = string | readonly ['strong' | 'code', string];
/** The steps for one kind of device. `{name}` stands for the certificate's common name. */
interface CertificateSteps {
    /** `ios`, `android`, `windows`, `macos`, `linux`, `firefox`, `programs`. */
    readonly device: string;
    readonly title: string;
    /** The form of the certificate that suits the device best. */
    readonly file: 'pem' | 'cer' | 'p12';
    readonly steps: readonly (readonly StepPart[])[];
    /** True where each step is for another system or program, and only one is needed. */
    readonly apart: boolean;
    readonly note: readonly StepPart[] | undefined;
}
/** The most wanted devices come first. */
declare const CERTIFICATE_STEPS: readonly CertificateSteps[];

/** The authority that signs the leaves, and that clients are to trust. */
interface Authority {
    readonly certificate: X509Certificate;
    /** The certificate as clients install it. */
    readonly pem: string;
    readonly der: Buffer;
    /** The certificate as PKCS#12, without a key or a password. */
    p12(): Buffer;
    readonly commonName: string;
    /** SHA-256 of the certificate, as `AB:CD:...`. */
    readonly fingerprint: string;
    readonly key: KeyObject;
    /** The authority's name (DER), which becomes the issuer of every leaf byte for byte. */
    readonly subject: Buffer;
    readonly keyIdentifier: Buffer;
    /** The certificates that are sent after a leaf (PEM). None where the authority is a root. */
    readonly chain: readonly string[];
    /**
     * The path of the revocation list's URL in a leaf. A leaf has that URL where the server's certificate has one, with the same host;
     * midwire answers this path on any host.
     */
    readonly crlPath: string;
    /** The revocation list: DER, and empty. */
    crl(): Buffer;
    /** Faults that do not keep the authority from signing, a sentence each. */
    readonly warnings: readonly string[];
    /** Whether this call of `loadAuthority` has made the authority. */
    readonly created: boolean;
    /** The file of the certificate and its private key. */
    readonly path: string;
    /** The file with the certificate alone, for clients. Undefined where there is none and none can be written. */
    readonly certificatePath: string | undefined;
}
/**
 * Loads the authority of a conf dir. A missing conf dir is made (0700), and so is a missing authority. Two processes that start
 * at once have the same authority. Throws ERR_CONFDIR, ERR_AUTHORITY.
 */
declare function loadAuthority(confdir: string): Promise<Authority>;

/** A certificate as plain data. */
interface CertificateInfo {
    /** Lines `name=value`, as OpenSSL has them: `CN=example.org`; empty where the certificate cannot be read. */
    readonly subject: string;
    readonly issuer: string;
    /** The names and addresses that it is for, each with its type before a colon: `DNS:example.org`, `IP Address:192.0.2.1`. */
    readonly names: readonly string[];
    /** Milliseconds since the epoch: the validity. */
    readonly validFrom: number;
    readonly validTo: number;
    /** SHA-256 of the whole certificate: 32 bytes in hexadecimal with colons. */
    readonly fingerprint: string;
    /** Hexadecimal. */
    readonly serialNumber: string;
    /** OpenSSL's name of the kind of key, with its bits or its curve: `rsa 2048`, `ec prime256v1`, `ed25519`. */
    readonly key: string;
    readonly isAuthority: boolean;
    /** The certificate in PEM; empty where it cannot be read. */
    readonly pem: string;
    /** Why it cannot be read; undefined where it can. */
    readonly error: string | undefined;
}
/**
 * Reads the certificates of a connection (`connection.tls.certificates`), which are DER, in their order: the other end's own first. Never throws: for bytes that are
 * no certificate, `error` says so.
 */
declare function readCertificates(chain: readonly Uint8Array[]): CertificateInfo[];

interface DnsQuestion {
    /** `example.org`, `.` for the root; in the sender's case. Dots and backslashes of a label are escaped, octets as `\DDD`. */
    name: string;
    /** A number of DNS_TYPE, or another. */
    type: number;
    /** A number of DNS_CLASS, or another. */
    class: number;
}
interface DnsRecord extends DnsQuestion {
    /** Seconds; in an OPT record its flags. */
    ttl: number;
    /** The RDATA. Names in it are never compressed, even where they were on the wire. */
    data: Buffer;
}
interface DnsMessage {
    id: number;
    /** False for a query. */
    response: boolean;
    /** A number of DNS_OPCODE, or another; 4 bits. */
    opcode: number;
    authoritative: boolean;
    truncated: boolean;
    recursionDesired: boolean;
    recursionAvailable: boolean;
    /** The Z bit: false, unless the sender breaks the rules. */
    reserved: boolean;
    authenticData: boolean;
    checkingDisabled: boolean;
    /** A number of DNS_RCODE, or another; 4 bits, the rest of an extended one is in the OPT record. */
    rcode: number;
    questions: DnsQuestion[];
    answers: DnsRecord[];
    authorities: DnsRecord[];
    additionals: DnsRecord[];
    /** The message as it came. A message that nobody has changed is passed on with these very bytes. */
    raw: Buffer | undefined;
}

/** One end of a TCP connection or a datagram. */
interface Address {
    /** The IP address in its shortest form, without brackets. */
    readonly address: string;
    /** 0 for ICMP, which has no ports. */
    readonly port: number;
    readonly family: 4 | 6;
}
/** A WireGuard peer as its streams and datagrams name it. */
interface Peer {
    /** Base64, 44 characters. */
    readonly publicKey: string;
    /** The name that the peer was added with. */
    readonly name?: string | undefined;
}
/** The TLS of one leg. Each field is set once its value is known. */
interface TlsState {
    /** The name that the client asked for (RFC 6066), in lower case. */
    sni?: string | undefined;
    /** The protocols that the client offered by ALPN, in the client's order. */
    alpnOffers?: readonly string[] | undefined;
    /** The protocol that was agreed on; empty for none. Set when the handshake is over. */
    alpn?: string | undefined;
    /** OpenSSL's name of the version: `TLSv1.3`. */
    version?: string | undefined;
    /** OpenSSL's name of the cipher: `TLS_AES_128_GCM_SHA256`. */
    cipher?: string | undefined;
    /** The JA3 fingerprint of the ClientHello; only in the client's leg. */
    ja3?: string | undefined;
    /** The JA4 fingerprint of the ClientHello; only in the client's leg. */
    ja4?: string | undefined;
    /**
     * The certificates of the other end as DER, its own first. In the client's leg those that the client has shown (`request_client_cert`), which
     * are not verified; after a resumed session its own alone.
     */
    certificates?: readonly Buffer[] | undefined;
    /** Milliseconds since the epoch at which the handshake was over. */
    establishedAt?: number | undefined;
}
/** One leg of a flow: the client's to midwire, or midwire's to the server. Times are milliseconds since the epoch. */
interface Connection {
    readonly id: string;
    readonly transport: 'tcp' | 'udp';
    /** midwire's end. */
    local?: Address | undefined;
    /** The end of the client or the server. */
    remote?: Address | undefined;
    tls?: TlsState | undefined;
    openedAt?: number | undefined;
    closedAt?: number | undefined;
    /**
     * The number of datagrams of this leg that were dropped: too many waited for a hook or for the other side, and the newest were
     * dropped; or a datagram was too long to be sent. Of a SOCKS client's TCP connection: those that have come to its relay, and were
     * not from the client or not of SOCKS5. Undefined for none.
     */
    dropped?: number | undefined;
    /** Why the connection could not be opened, or was lost. */
    error?: string | undefined;
}
/** The process of a client on this machine. */
interface ClientProcess {
    readonly pid: number;
    /** The path of the program; undefined where midwire may not read it. ` (deleted)` stands at its end where the file is gone. */
    readonly path: string | undefined;
    /** The arguments, with the program's own name first and spaces between them; cut after 4 KiB. */
    readonly commandLine: string;
    /**
     * The id of the container that the process runs in: 64 hexadecimal digits of Docker, containerd, Podman, CRI-O or Kubernetes; the
     * machine's name of systemd-nspawn or LXC. Undefined outside a container.
     */
    readonly container: string | undefined;
}
/** What a client of HTTP/2 says of itself before its first request, by which clients can be told apart. */
interface Http2Introduction {
    /** Ids and values of SETTINGS, in the order in which they came (RFC 9113, 6.5). */
    readonly settings: readonly (readonly [number, number])[];
    /** By how much the client has made the connection's window larger, in bytes; 0 for not at all. */
    readonly windowUpdate: number;
    /** PRIORITY frames (RFC 7540, 6.3). `weight` is from 1 to 256. */
    readonly priorities: readonly {
        readonly stream: number;
        readonly exclusive: boolean;
        readonly dependency: number;
        readonly weight: number;
    }[];
    /** The order of the first request's pseudo-header fields: `m,a,s,p`. */
    readonly pseudoOrder: string;
    /** All of that in the usual form: `1:65536;2:0;4:6291456|15663105|0|m,a,s,p`. */
    readonly fingerprint: string;
}
/** The client's leg. `remote` is the client's address, and `local` the one that it connected to; in a tunnel that may be any address. */
interface ClientConnection extends Connection {
    readonly remote: Address;
    readonly local: Address;
    /** The spec of the mode, as it was given: `wireguard`, `regular@8080`. */
    readonly mode: string;
    /** The client uses midwire as its proxy (HTTP, SOCKS) and names its destination itself; false where the mode knows the destination. */
    readonly explicit: boolean;
    /** The WireGuard peer; undefined for a client that is not in a tunnel. */
    readonly peer?: Peer | undefined;
    /** How the client has introduced itself in HTTP/2; known from its first request on. */
    http2?: Http2Introduction | undefined;
    /**
     * The process of a client on this machine, on Linux, where option `client_process` has it looked up: known to all hooks. Undefined for clients of other
     * machines, for processes that midwire may not see, and for those that ended first.
     */
    process?: ClientProcess | undefined;
}
/** The server's leg. Flows whose requests share a server connection share this object. */
interface ServerConnection extends Connection {
    /** The name or the address to connect to. */
    readonly host: string;
    readonly port: number;
    /** The proxies on the way, without passwords, the nearest first: `['socks5://user@host:1080']`. Undefined for a direct connection. */
    readonly via?: readonly string[] | undefined;
}

/** The user name and password that a proxy asks for. */
interface Credentials {
    readonly username: string;
    readonly password: string;
}
/** A proxy on the way to the server. SOCKS proxies are given names, not addresses: they resolve them. */
interface ProxyHop {
    readonly scheme: 'http' | 'https' | 'socks5' | 'socks4a';
    /** A name or an address, without brackets. */
    readonly host: string;
    readonly port: number;
    readonly credentials?: Credentials | undefined;
}
/** A WireGuard tunnel, whose other end sends packets on. It stands before all proxies, which are reached through it. */
interface TunnelHop {
    readonly scheme: 'wireguard';
    /** The path of a wg-quick file, with the keys and addresses of this end and its peers. */
    readonly file: string;
}
type Hop = ProxyHop | TunnelHop;

/** Why a flow failed. */
interface FlowError {
    /** A sentence for people. */
    readonly message: string;
    /** Milliseconds since the epoch. */
    readonly timestamp: number;
}
/** What the user sends in the name of one side of a flow. */
interface Injection {
    readonly toClient: boolean;
    readonly content: Buffer;
    /** Of a WebSocket message; other protocols have bytes alone. */
    readonly kind: 'text' | 'binary';
}
/** What the user does to a flow that runs. */
type UserAct = {
    act: 'kill';
} | {
    act: 'resume';
} | {
    act: 'inject';
    injection: Injection;
};
/** How `kill()` ends a client's connection: by RST, or in order, by FIN. */
type KillWay = 'reset' | 'close';
/** To what the connection of a client is slowed. */
interface ThrottleLimits {
    /** Bytes a second to the client, and from the client; at least 1. Undefined for as fast as they come. */
    readonly down?: number | undefined;
    readonly up?: number | undefined;
    /** Milliseconds by which everything comes later to the client, and so every round trip. Default: 0. */
    readonly latency?: number | undefined;
    /**
     * The part, each way, that is lost, from 0 to 1: of datagrams, and of the packets of TCP where the client is in the WireGuard tunnel.
     * TCP sends those again. Elsewhere the system makes TCP's packets, and none is lost. Default: 0.
     */
    readonly loss?: number | undefined;
}
/** What a flow is made of. Ids and times come from `world`, so that a test can say them. */
interface FlowOrigin {
    readonly world: {
        newId(): string;
        now(): number;
        /** The user acts on the flow, at whatever time: it takes effect at once. */
        act(flow: Flow, act: UserAct): void;
        /** Slows the connection of the flow's client, where that is a connection. */
        throttle?(flow: Flow, limits: ThrottleLimits): void;
    };
    readonly client: ClientConnection;
    readonly server: ServerConnection | undefined;
    /** Milliseconds since the epoch. */
    readonly now: number;
}
declare abstract class Flow {
    #private;
    abstract readonly type: 'http' | 'tcp' | 'udp' | 'dns';
    readonly client: ClientConnection;
    /** Undefined until a server is needed: a flow that an addon answers has none. */
    server: ServerConnection | undefined;
    error: FlowError | undefined;
    /** Milliseconds since the epoch. */
    readonly createdAt: number;
    /** Milliseconds since the epoch; undefined until the flow is over: answered, ended, or failed. */
    endedAt: number | undefined;
    /** A side that midwire has replayed: `request` of client replay, `response` of server replay. Undefined for a flow as it came. */
    replayed: 'request' | 'response' | undefined;
    /** The user's mark, such as `:star:`; empty for none. */
    marked: string;
    comment: string;
    /** Notes of addons, by names that they choose. */
    readonly metadata: Record<string, unknown>;
    constructor(origin: FlowOrigin);
    /**
     * The proxies by which the flow leaves, the nearest first; none for a direct connection; undefined for what options and the mode say.
     * Set it before the server is connected to (`requestheaders`, `request`, `http_connect`, `tcp_start`), also as a text:
     * `direct`, `socks5://user:password@host:1080`, `http://a:3128,https://b`. A CONNECT has it for all that is in its tunnel. Throws
     * ERR_VIA for a text that is none of these.
     */
    get via(): readonly Hop[] | undefined;
    set via(via: readonly Hop[] | string | undefined);
    /** A UUID. It is made at the first look, because most flows pass without one. */
    get id(): string;
    /** True until the flow is over. */
    get live(): boolean;
    /**
     * The bytes of memory that this flow takes, about: what was recorded of its bodies or messages, its header fields or records,
     * and 1 KiB for the rest.
     */
    abstract get size(): number;
    /** True once `kill()` has ended the flow, whatever `error` says. */
    get killed(): boolean;
    /**
     * Ends the flow at once, in the middle of a body, too: the client's connection ends without an answer, or without the rest of it, and
     * nothing more goes to the server. `error` says `killed`; an addon may put a better reason there. Does nothing where the flow is over.
     *
     * `how` is `reset` by default: TCP's RST, and RST_STREAM with CANCEL where the flow is a stream of HTTP/2. `close` ends the connection in
     * order, as a server does that has nothing to say: FIN; in HTTP/2, whose connection serves other streams, RST_STREAM with NO_ERROR, and
     * with CANCEL where a part of the response has gone, for it would be taken for the whole. Throws ERR_ARGUMENT for another word.
     */
    kill(how?: KillWay): void;
    /**
     * Slows the connection of the flow's client until the flow is over: also for other flows on that connection, as in HTTP/2. Where
     * several are slowed, the last one counts. Flows of one client that are given the same object share its rates. What has come before
     * passes as it has come: call it in `requestheaders`, `tcp_start`, `udp_start` or `dns_request`.
     */
    throttle(limits: ThrottleLimits): void;
    /** True while the flow waits for `resume()`. */
    get intercepted(): boolean;
    /** Called in a hook: once the hook has run in all addons, the flow waits, however long, until `resume()` or `kill()`. */
    intercept(): void;
    /** Lets a flow that was intercepted go on. Does nothing where it was not. */
    resume(): void;
    /** Sends something in the name of one side, for the protocols that can. */
    protected post(injection: Injection): void;
}

declare class DnsFlow extends Flow {
    readonly type = "dns";
    request: DnsMessage;
    /** An addon that sets it in the `dns_request` hook answers the query, and no server is asked: `dnsReply(flow.request, { answers })`. */
    response: DnsMessage | undefined;
    constructor(origin: FlowOrigin, request: DnsMessage);
    get size(): number;
}

/** What `HttpHeaders.from` takes: other headers, pairs of name and value, or an object. */
type HttpHeadersInit = HttpHeaders | Iterable<readonly [name: string, value: string]> | Readonly<Record<string, string | readonly string[]>>;
/**
 * Header or trailer fields. Values are latin1 strings, one character a byte. Names are found in any case; a field that is
 * replaced keeps its place and the case of its name.
 */
declare class HttpHeaders {
    #private;
    /** `[name, value, name, value, ...]` in wire order. Code that changes it must check names and values by itself. */
    readonly raw: string[];
    /** Keeps `raw` itself, without a copy or a check: for fields that a parser has checked. */
    constructor(raw?: string[]);
    /** Copies the fields. Throws a TypeError for a name or value that cannot stand in a header. */
    static from(init: HttpHeadersInit): HttpHeaders;
    /** The number of fields, with duplicates. */
    get size(): number;
    has(name: string): boolean;
    /**
     * All values of a name as one, joined by `, ` (Cookie: by `; `); undefined where there is none. The values of Set-Cookie cannot be
     * joined: `get` gives the first, and `getAll` every one.
     */
    get(name: string): string | undefined;
    /** The values of a name, one for each field of that name. */
    getAll(name: string): string[];
    /**
     * Gives a name one value, or one field for each value of an array (none: the name is gone). They stand where the first field of
     * that name stood, else at the end. Throws a TypeError for a name or value that cannot stand in a header.
     */
    set(name: string, value: string | readonly string[]): void;
    /** Adds a field at the end. Throws a TypeError for a name or value that cannot stand in a header. */
    append(name: string, value: string): void;
    /** Removes every field of a name; false where there was none. */
    delete(name: string): boolean;
    clone(): HttpHeaders;
    [Symbol.iterator](): IterableIterator<[name: string, value: string]>;
    /** `Name: value` lines, each with its CRLF. */
    toString(): string;
}

/** The sentences say what is wrong, where, and what to do. The code that throws fills in `{}`. */
declare const SENTENCES: {
    readonly ERR_ARGUMENT: "{}";
    readonly ERR_KEY: "{} is not a WireGuard key: it must be 32 bytes in base64, 44 characters that end in =; `wg genkey` or generatePrivateKey() make one";
    readonly ERR_ADDRESS: "{}: write an IPv4 or IPv6 address, without brackets, port or name";
    readonly ERR_PORT: "{}: a port is a whole number from 0 to 65535, 0 being any free one";
    readonly ERR_PEER_DUPLICATE: "{}: every peer needs a key pair of its own";
    readonly ERR_PEER_ADDRESSES: "{}: give every peer allowedIps that no other peer has";
    readonly ERR_ADDRESS_IN_USE: "{}: end the program that has it, or choose another port (0 takes a free one)";
    readonly ERR_ADDRESS_NOT_AVAILABLE: "{}: choose an address of this machine, or leave host out to listen on all of them";
    readonly ERR_PERMISSION: "{}: ports below 1024 may need rights that this process does not have; choose a higher one";
    readonly ERR_ROOT: "{}: this needs root, or the capability CAP_NET_ADMIN";
    readonly ERR_COMMAND: "{}";
    readonly ERR_REPLAY: "{}";
    readonly ERR_NATIVE_MISSING: "{}";
    readonly ERR_NATIVE_PANIC: "{}: this is a fault of midwire; please report it with this message";
    readonly ERR_NATIVE: "{}";
    readonly ERR_SERVER_CLOSED: "{}";
    readonly ERR_NO_ROUTE: "{}: add the address to the allowedIps of the peer that leads to it";
    readonly ERR_MODE: "mode {}";
    readonly ERR_VIA: "via {}: write direct, or proxies with commas between: http://user:password@host:port, https://, socks5:// or socks4a://, before them a tunnel, wireguard:FILE";
    readonly ERR_OPTION: "{}";
    readonly ERR_HOOK: "{}";
    readonly ERR_FILTER: "filter: {}";
    readonly ERR_FLOW_FILE: "{}";
    readonly ERR_WIREGUARD_CONF: "{}";
    readonly ERR_SCRIPT: "the script cannot be run: {}";
    readonly ERR_AUTHORITY: "{}";
    readonly ERR_CONFDIR: "{}; choose another directory with --confdir, or with MIDWIRE_CONFDIR";
    readonly ERR_BODY_STREAMED: "{}";
    readonly ERR_TIMEOUT: "{}";
    readonly ERR_CLOSED: "{}";
    readonly ERR_EXHAUSTED: "{}: close some connections first";
};
type ErrorCode = keyof typeof SENTENCES;
/** An error of midwire: a call was refused, or has failed. Streams fail with errors of Node's own codes instead. */
declare class MidwireError extends Error {
    /** The codes stay the same from version to version. */
    readonly code: ErrorCode;
    constructor(code: ErrorCode, detail: string, options?: ErrorOptions);
}
/**
 * The known name that a wrong one was most likely meant to be; undefined where none is near. At most a third of the known name's
 * letters may differ, but always one, and never more than `most` (default 3).
 */
declare function nearest(wrong: string, known: readonly string[], most?: number): string | undefined;

/** Recorded bytes that lie elsewhere than in the flow: in a file of the store, say. */
interface StoredBytes {
    /** How many bytes they are. */
    readonly size: number;
    /** Reads them all. Where they are gone since, the answer is what can still be had: none. Never throws. */
    bytes(): Buffer;
}
declare class RecordedBody {
    #private;
    /** The length of the body so far in bytes, recorded or not. */
    length: number;
    /** At most `limit` bytes are recorded, but for a body that is held. */
    constructor(limit: number);
    /** From now on the recorded bytes are read from where they lie, and not kept here. `length`: of the whole body, which has ended. */
    store(stored: StoredBytes, length: number): void;
    /** The place of the recorded bytes where that is not the flow itself. */
    get stored(): StoredBytes | undefined;
    /** How many bytes are recorded. */
    get recorded(): number;
    /** True when bytes passed that were not recorded. */
    get truncated(): boolean;
    append(chunk: Buffer): void;
    /** Records no more than so many bytes in all, of what comes from now on. */
    limitTo(limit: number): void;
    /** From now on the whole body is recorded, whatever the limit: it is held for a hook, and sent on from here. */
    hold(): void;
    /** Ends `hold()`: the body has been sent on, and only its first bytes, up to the limit, are kept. */
    trim(): void;
    /** Forgets all of the body: what is sent in its place is recorded from now on. */
    restart(): void;
    /** The recorded bytes. */
    get content(): Buffer;
    /** Puts `content` in the place of the recorded bytes. */
    replace(content: Buffer): void;
}

type HttpVersion = '1.0' | '1.1' | '2.0' | '3.0';
/** What a function of chunks returns: bytes, or texts in UTF-8, one after the other; undefined for none. */
type StreamedBytes = Uint8Array | string | Iterable<Uint8Array | string> | undefined;
/**
 * Gets each piece of a body as it comes, without chunked coding but in its Content-Encoding, and an empty Buffer at the end. What it
 * returns is sent in the piece's place. The next piece waits for a promise, 30 s at most.
 */
type BodyFunction = (chunk: Buffer) => StreamedBytes | PromiseLike<StreamedBytes> | AsyncIterable<Uint8Array | string>;
/**
 * A TransformStream, a CompressionStream, or another pair: what is written to one side and read from the other. What it gives for a piece
 * later than that piece is written is sent with the next one.
 */
interface BodyTransform {
    readonly readable: ReadableStream<Uint8Array | string>;
    readonly writable: WritableStream<Uint8Array>;
}
/** What may be done with a body that is not held. */
type BodyStream = boolean | BodyFunction | BodyTransform;
interface MessageParts$1 {
    version?: HttpVersion;
    irregularities?: readonly string[] | undefined;
}
declare abstract class HttpMessage {
    #private;
    version: HttpVersion;
    headers: HttpHeaders;
    /** The fields after a chunked body; undefined where there are none. */
    trailers: HttpHeaders | undefined;
    /**
     * How its form was odd when it came, a sentence for each kind: `the value of X-Note is folded over lines`. What is held here, and
     * what goes on, was made regular. None as a rule: only what has one meaning passes.
     */
    irregularities: readonly string[];
    readonly body: RecordedBody;
    /** Milliseconds since the epoch: the head's first byte, and the body's last. */
    startedAt: number;
    endedAt: number | undefined;
    /** True once a body that is not held has begun to pass: it can no longer be changed. Only the proxy sets this. */
    streamed: boolean;
    constructor(parts: MessageParts$1, headers: HttpHeaders, limit: number, now: number);
    /**
     * Set by an addon in `requestheaders` or `responseheaders`. True: the body passes as it comes, and cannot be changed. A function or a
     * TransformStream: the body passes through it. False: the body is held until the `request` or `response` hook has run, and can be
     * changed there. Undefined, the default: the body is held where an addon has that hook and the body is not longer than
     * `stream_large_bodies`; one that comes in messages without a Content-Length (events, gRPC, JSON lines) is not held. Throws a TypeError for another value.
     */
    get stream(): BodyStream | undefined;
    set stream(stream: BodyStream | undefined);
    /** True where an addon has put another body in this one's place. */
    get contentChanged(): boolean;
    /**
     * The recorded bytes of the body, as they passed: compressed bodies are compressed. Of a body that is held it is all of it while
     * hooks run, and its first `body_record_limit` bytes once the flow is over: a copy keeps the rest.
     */
    get content(): Buffer;
    /**
     * Changes the body; Content-Length follows by itself. A string is written in UTF-8. Throws ERR_BODY_STREAMED where the body has
     * passed, or begun to.
     */
    set content(content: Uint8Array | string);
    /**
     * The recorded body without its Content-Encoding (RFC 9110, 8.4): gzip, deflate and br, zstd where Node.js has it, and several
     * of them; at most 32 MiB. It is what can be had: of a body that is cut or damaged the part that could be decoded, and the bytes
     * as they came where a coding is unknown or the body is not in it. `decodeError` says so then.
     */
    get decodedContent(): Buffer;
    /**
     * Changes the body. It is sent as Content-Encoding says, in each of its codings; where one of them is unknown, without
     * Content-Encoding. Throws ERR_BODY_STREAMED where the body has passed, or begun to.
     */
    set decodedContent(content: Uint8Array | string);
    /** A sentence that says why `decodedContent` or `text` is not the whole body decoded; undefined where it is. */
    get decodeError(): string | undefined;
    /**
     * `decodedContent` as text. Its charset is that of its byte order mark; else of Content-Type; else what the first 1,024 bytes say:
     * `<meta>` in HTML, `encoding` in XML, `@charset` in CSS; else UTF-8, which JSON and event streams always are in. Bytes that are no
     * text become U+FFFD, and the mark is left out. A charset that is unknown is passed over, and `decodeError` says so.
     */
    get text(): string;
    /**
     * Sets `decodedContent` to a text in UTF-8. Where it would be read in another charset, because of Content-Type, of what the text says of
     * itself, or since the byte order mark is gone, Content-Type says `charset=utf-8`, which is stronger than what the text says. Throws as
     * `decodedContent` does.
     */
    set text(text: string);
    protected abstract get side(): 'request' | 'response';
}

/** A body without its codings, as far as it could be decoded. */
interface Decoded {
    readonly content: Buffer;
    /** Why `content` is not the whole body decoded; undefined where it is. */
    readonly error: string | undefined;
}

/** `sse`: an event of `text/event-stream`. `grpc`: a message of gRPC or gRPC-Web. `ndjson`: a JSON text of JSON lines or a JSON sequence. */
type StreamKind = 'sse' | 'grpc' | 'ndjson';
/** How a message stands in its body: what reads it, and what writes it in the same form. */
interface MessageView {
    readonly kind: StreamKind;
    /** Of an event: the values of its fields `event`, `id` and `retry` (milliseconds); undefined for a field that it has not. */
    readonly event?: string | undefined;
    readonly id?: string | undefined;
    readonly retry?: number | undefined;
    /** The content without its syntax and its compression. */
    read(): Decoded;
    /** Why a message cannot have this content; undefined where it can. */
    refuse(content: Buffer): string | undefined;
    /** The bytes of the message with other parts. `content` is undefined where it stays. */
    write(parts: MessageParts): Buffer;
}
interface MessageParts {
    readonly content: Buffer | undefined;
    readonly event: string | undefined;
    readonly id: string | undefined;
}
declare class StreamMessage {
    #private;
    readonly kind: StreamKind;
    /** True: a part of the request; false: of the response. */
    readonly fromClient: boolean;
    /** Milliseconds since the epoch: when its last byte came. */
    readonly timestamp: number;
    constructor(view: MessageView, fromClient: boolean, timestamp: number);
    /**
     * The data of an event, its lines joined by LF; a line, or a JSON text, without what separates it from the next; a gRPC message without
     * its prefix and its compression, at most 32 MiB. `decodeError` says where that could not be undone.
     */
    get content(): Buffer;
    /**
     * Changes the message; what is around the content follows by itself, and a gRPC message that was compressed is compressed again. A
     * string is written in UTF-8. Throws a TypeError for a line break in a line, and for the byte 0x1e in a JSON sequence.
     */
    set content(content: Uint8Array | string);
    /** `content` as text in UTF-8. */
    get text(): string;
    set text(text: string);
    /** A sentence that says why `content` is not the whole message decoded; undefined where it is. */
    get decodeError(): string | undefined;
    /** The type of an event, its field `event`; undefined for none, and in other kinds. Setting a text of two lines throws a TypeError. */
    get event(): string | undefined;
    set event(event: string | undefined);
    /** The field `id` of an event; undefined for none, and in other kinds. Setting a text of two lines throws a TypeError. */
    get id(): string | undefined;
    set id(id: string | undefined);
    /** The field `retry` of an event, in milliseconds; undefined for none, and in other kinds. */
    get retry(): number | undefined;
    /** True once `drop()` was called. */
    get dropped(): boolean;
    /** The message is not sent on. */
    drop(): void;
    /** The bytes that are sent in the message's place: none for one that is dropped; undefined for one that is sent as it came. */
    replacement(): Buffer | undefined;
    /** The message has passed. From now on its decoding, which may be much longer than the message, is not kept. */
    settle(): void;
}

declare class StreamMessages {
    #private;
    /** The recorded messages: the first ones, up to `body_record_limit` bytes as they came in all. */
    readonly recorded: StreamMessage[];
    /** The message that came last, recorded or not. */
    last: StreamMessage | undefined;
    /** Messages of the request and of the response, recorded or not. */
    fromClient: number;
    fromServer: number;
    /** True where messages have passed that were not recorded. */
    truncated: boolean;
    /** The bytes of memory that the recorded messages take, about. */
    size: number;
    /** At most `limit` bytes of messages are recorded. */
    constructor(limit: number);
    /** Counts a message after its hook, and records it where there is room. `bytes`: its length as it came. */
    record(message: StreamMessage, bytes: number): void;
}

/** The form of a message: `text` is UTF-8. */
type WebSocketMessageKind = 'text' | 'binary';
interface WebSocketMessageParts {
    readonly fromClient: boolean;
    readonly kind: WebSocketMessageKind;
    readonly content: Buffer;
    /** Bytes of the whole message, where `content` is only its beginning. Default: those of `content`. */
    readonly length?: number;
    /** Milliseconds since the epoch. */
    readonly timestamp: number;
    /** Default: false. */
    readonly injected?: boolean;
}
declare class WebSocketMessage {
    #private;
    readonly fromClient: boolean;
    readonly kind: WebSocketMessageKind;
    /** Milliseconds since the epoch. */
    readonly timestamp: number;
    /** An addon has sent it, and not the client or the server. */
    readonly injected: boolean;
    /** Bytes of the whole message, also where `content` keeps only the first of them. */
    length: number;
    constructor(parts: WebSocketMessageParts);
    /**
     * The message's bytes, decompressed; of a text in UTF-8. It is all of them in the hook `websocket_message`, and what was recorded
     * afterwards. Setting it there, also to a string, sends that in the message's place. Throws a TypeError where a text would not be UTF-8.
     */
    get content(): Buffer;
    set content(content: Uint8Array | string);
    /** `content` as text; of a binary message, bytes that are not UTF-8 become U+FFFD. */
    get text(): string;
    /** Sets `content`. */
    set text(text: string);
    /** An addon has changed `content`. */
    get changed(): boolean;
    /** The message was not sent on. */
    get dropped(): boolean;
    /** Does not send the message on: for the hook `websocket_message`. */
    drop(): void;
    /** True where only the first bytes of the message were recorded. */
    get truncated(): boolean;
    /** Forgets all but the first bytes, `room` of them at most: the message has passed. */
    trim(room: number): void;
}
declare class WebSocketData {
    #private;
    /** The recorded messages: the first ones, up to `body_record_limit` bytes in all, of which the last one may be cut. */
    readonly messages: WebSocketMessage[];
    /** In a `websocket_message` hook the message that the hook is for; else the one that came last. */
    last: WebSocketMessage | undefined;
    /** The message whose hook runs, or which waits after it. */
    passing: WebSocketMessage | undefined;
    /** Messages that the client and the server have sent, recorded or not. */
    messagesFromClient: number;
    messagesFromServer: number;
    /** Bytes of these messages, decompressed. */
    bytesFromClient: number;
    bytesFromServer: number;
    /** Messages that addons have sent, recorded or not. */
    injected: number;
    /** True where messages, or parts of them, have passed that were not recorded. */
    truncated: boolean;
    /** Which side has closed the WebSocket; undefined while it is open, and where midwire has ended it or it was lost. */
    closedByClient: boolean | undefined;
    /**
     * The code of the first Close frame (RFC 6455, 7.4.1): 1005 where that had none, 1006 where the connection ended without a Close frame.
     * Undefined while the WebSocket is open.
     */
    closeCode: number | undefined;
    closeReason: string;
    /** Milliseconds since the epoch. */
    readonly startedAt: number;
    endedAt: number | undefined;
    /** At most `limit` bytes of messages are recorded. */
    constructor(limit: number, now: number);
    /** Bytes of another message that are recorded. */
    get room(): number;
    /** Counts a message as it came, and makes it the last one. */
    begin(message: WebSocketMessage): void;
    /** Records a message after its hook, as it goes on. */
    record(message: WebSocketMessage): void;
    /** The bytes of memory that the messages take, about. */
    get size(): number;
}

interface HttpRequestParts {
    method: string;
    /** As in the request line, in origin-form: `/path?query`, or `*`. */
    path: string;
    scheme: 'http' | 'https';
    host: string;
    port: number;
    version: HttpVersion;
    headers: HttpHeaders;
    /** Default: none. */
    absolute?: string | undefined;
    /** Default: none. */
    authority?: string | undefined;
    /** Default: none. */
    protocol?: string | undefined;
    /** Default: none. */
    pseudoOrder?: readonly string[] | undefined;
    /** Default: none. */
    irregularities?: readonly string[] | undefined;
}
declare class HttpRequest extends HttpMessage {
    method: string;
    /** `/path?query`; `*` for a server-wide OPTIONS; empty for CONNECT. */
    path: string;
    scheme: 'http' | 'https';
    /** The server that the request goes to: an addon that changes `host` or `port` sends the request elsewhere. */
    host: string;
    port: number;
    /**
     * The beginning of a request line in absolute-form, `http://example.org:8000`, of a client that takes its server for a proxy: it goes on
     * like this. Undefined for origin-form, and where midwire is that proxy.
     */
    absolute: string | undefined;
    /** Of HTTP/2: the value of `:authority`, which has the place of the field Host there. Undefined in HTTP/1. */
    authority: string | undefined;
    /** Of an extended CONNECT (RFC 8441): the protocol that the stream shall speak, `websocket`. */
    protocol: string | undefined;
    /** Of HTTP/2: the names of its pseudo-header fields, in the order in which they came, and go on. */
    readonly pseudoOrder: readonly string[] | undefined;
    constructor(parts: HttpRequestParts, bodyLimit: number, now: number);
    protected get side(): "request";
    /** The request target in the request line to a server (RFC 9112, 3.2). */
    get target(): string;
    /** The host as the client names it: that of the Host field or of `authority`, without its port; without these `host`. */
    get prettyHost(): string;
    /** The URL that a browser would show in its address bar. */
    get url(): string;
    /**
     * Sends the request elsewhere: sets scheme, host, port, path and the Host field. Throws a TypeError for a text that is not an http
     * or https URL.
     */
    set url(text: string);
}
/** A body that comes piece by piece: a generator, a ReadableStream, a Node stream. Texts are written in UTF-8. */
type BodySource = AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>;
interface HttpResponseParts {
    /** A whole number from 100 to 999. */
    status: number;
    /** Default: the usual one of that status (RFC 9110, 15), else empty. */
    reason?: string;
    /** Default: `1.1`. */
    version?: HttpVersion;
    /** Default: none. Content-Length follows the content by itself. */
    headers?: HttpHeaders | HttpHeadersInit;
    /** The body; a string is written in UTF-8. Default: none. */
    content?: Uint8Array | string;
    /** Default: none. */
    source?: BodySource | undefined;
    /** How its form was odd when it came. Default: none. */
    irregularities?: readonly string[] | undefined;
}
declare class HttpResponse extends HttpMessage {
    #private;
    reason: string;
    /**
     * Of an addon's own response: the body, in the place of `content`. It is read as fast as the client takes it, and its pieces go out as they
     * come. The hook `response` runs before them. What throws in it fails the flow.
     */
    source: BodySource | undefined;
    /** An addon's own answer: `flow.response = new HttpResponse({ status: 404, content: 'no' })`. Throws a RangeError for the status. */
    constructor(parts: HttpResponseParts, bodyLimit?: number, now?: number);
    protected get side(): "response";
    /** A whole number from 100 to 999 (RFC 9110, 15); setting another throws a RangeError. */
    get status(): number;
    set status(status: number);
}
declare class HttpFlow extends Flow {
    #private;
    readonly type = "http";
    request: HttpRequest;
    /** The protocol that the connection speaks after a 101, in lower case: `websocket`. Undefined without a 101. */
    upgrade: string | undefined;
    /** The WebSocket that the connection is after a 101: its messages, and how it was closed. Undefined for all else. */
    websocket: WebSocketData | undefined;
    /**
     * The messages within bodies that have passed: events, gRPC messages, lines of JSON, as the hook `http_message` gets them. Undefined where
     * none has come.
     */
    messages: StreamMessages | undefined;
    constructor(origin: FlowOrigin, request: HttpRequest);
    /**
     * Sends a WebSocket message in the name of one side: to the client, or to the server. A string is a text message, bytes are a binary one.
     * It runs the hook `websocket_message`, too. Does nothing where the flow is no WebSocket that is open.
     */
    inject(to: 'client' | 'server', content: string | Uint8Array): void;
    get size(): number;
    /**
     * An addon that sets it before the server is asked answers the request by itself. Throws a TypeError for a value that is not an
     * HttpResponse, and ERR_BODY_STREAMED where it would replace a response whose body has passed, or begun to.
     */
    get response(): HttpResponse | undefined;
    set response(response: HttpResponse | undefined);
}

interface RawMessage {
    readonly fromClient: boolean;
    /**
     * The bytes that are sent on. An addon may set them in the `tcp_message` and `udp_message` hooks; with an empty Buffer nothing is
     * sent on. A datagram that came empty is sent on empty, unless an addon sets its content.
     */
    content: Buffer;
    /** Milliseconds since the epoch. */
    readonly timestamp: number;
}
declare abstract class RawFlow extends Flow {
    #private;
    /** The recorded messages: the first ones, up to `body_record_limit` bytes in all. */
    readonly messages: RawMessage[];
    /** Bytes that the client and the server have sent, recorded or not. */
    bytesFromClient: number;
    bytesFromServer: number;
    constructor(origin: FlowOrigin, limit: number);
    /** True while there is room for another message. */
    get recording(): boolean;
    /** True where messages have passed that were not recorded. */
    truncated: boolean;
    /** The message that came last: in a `tcp_message` or `udp_message` hook the one that the hook is for. */
    last: RawMessage | undefined;
    /** The messages whose hook runs, or which wait after it, in the order in which they came: one of each side, and those that are injected. */
    readonly passing: RawMessage[];
    /** Makes a message for the hooks, and records it where there is room. */
    record(fromClient: boolean, content: Buffer, timestamp: number): RawMessage;
    /**
     * Sends bytes, or a datagram, in the name of one side: to the client, or to the server. A string is sent in UTF-8. The hook for messages runs,
     * too. Does nothing where the flow is over, or its server is not connected yet.
     */
    inject(to: 'client' | 'server', content: string | Uint8Array): void;
    get size(): number;
    /** Counts bytes that pass without a message or a hook. */
    count(fromClient: boolean, bytes: number): void;
}
declare class TcpFlow extends RawFlow {
    readonly type = "tcp";
}
declare class UdpFlow extends RawFlow {
    readonly type = "udp";
}

type AnyFlow = HttpFlow | TcpFlow | UdpFlow | DnsFlow;

/**
 * What an argument is. `text`; `number`: any number; `boolean`; `path`: a path, where `~` is the home directory; `flow`: one flow;
 * `flows`: several, chosen by a filter, an id, `@all` or `@marked`; `choice`: one of `choices`.
 */
type ArgumentType = 'text' | 'number' | 'boolean' | 'path' | 'flow' | 'flows' | 'choice';
interface CommandArgument {
    readonly name: string;
    readonly type: ArgumentType;
    /** For the type choice: all possible values. */
    readonly choices?: readonly string[];
    /** True: it may be left out. Only the last arguments can be. Default: false. */
    readonly optional?: boolean;
    /** True: the last argument, which takes all values that are left, as an array. Default: false. */
    readonly rest?: boolean;
}
type ValueOf$1<A extends CommandArgument> = A extends {
    choices: readonly (infer C)[];
} ? C : {
    text: string;
    number: number;
    boolean: boolean;
    path: string;
    flow: AnyFlow;
    flows: AnyFlow[];
    choice: string;
}[A['type']];
type Given<A extends CommandArgument> = A extends {
    optional: true;
} ? ValueOf$1<A> | undefined : ValueOf$1<A>;
/** The values that a command's function gets for its arguments. */
type ArgumentValues<A extends readonly CommandArgument[]> = A extends readonly [
    infer First extends CommandArgument,
    ...infer Rest extends readonly CommandArgument[]
] ? First extends {
    rest: true;
} ? ValueOf$1<First>[] : [Given<First>, ...ArgumentValues<Rest>] : [];
/** A command. `command()` makes one whose function has the types of its arguments. */
interface CommandDefinition {
    /** One line for `midwire --commands`. */
    readonly help: string;
    readonly arguments: readonly CommandArgument[];
    /** True: the command shows flows or writes them, and gets them as outputs do: without what option `redact` names. Default: false. */
    readonly shows?: boolean;
    /** Performs the command. What it returns, or its promise gives, is the command's result: plain data. What it throws is its error. */
    readonly run: (...values: never[]) => unknown;
}
/** Definitions by the names of the commands: `flow.mark`. A name has letters, digits, underscores and dots. */
type CommandDefinitions = {
    readonly [name: string]: CommandDefinition;
};
/**
 * Defines a command:
 * `command({ help: 'mark flows', arguments: [{ name: 'flows', type: 'flows' }], run(flows) { for (const flow of flows) flow.marked = ':star:' } })`.
 */
declare function command<const A extends readonly CommandArgument[]>(definition: {
    readonly help: string;
    readonly arguments: A;
    readonly shows?: boolean;
    readonly run: (...values: ArgumentValues<A>) => unknown;
}): CommandDefinition;

/** Types of records, and those that only a question can have. */
declare const DNS_TYPE: {
    readonly A: 1;
    readonly NS: 2;
    readonly MD: 3;
    readonly MF: 4;
    readonly CNAME: 5;
    readonly SOA: 6;
    readonly MB: 7;
    readonly MG: 8;
    readonly MR: 9;
    readonly NULL: 10;
    readonly WKS: 11;
    readonly PTR: 12;
    readonly HINFO: 13;
    readonly MINFO: 14;
    readonly MX: 15;
    readonly TXT: 16;
    readonly RP: 17;
    readonly AFSDB: 18;
    readonly RT: 21;
    readonly SIG: 24;
    readonly KEY: 25;
    readonly PX: 26;
    readonly AAAA: 28;
    readonly LOC: 29;
    readonly NXT: 30;
    readonly SRV: 33;
    readonly NAPTR: 35;
    readonly KX: 36;
    readonly CERT: 37;
    readonly DNAME: 39;
    readonly OPT: 41;
    readonly DS: 43;
    readonly SSHFP: 44;
    readonly RRSIG: 46;
    readonly NSEC: 47;
    readonly DNSKEY: 48;
    readonly NSEC3: 50;
    readonly NSEC3PARAM: 51;
    readonly TLSA: 52;
    readonly SMIMEA: 53;
    readonly CDS: 59;
    readonly CDNSKEY: 60;
    readonly OPENPGPKEY: 61;
    readonly CSYNC: 62;
    readonly ZONEMD: 63;
    readonly SVCB: 64;
    readonly HTTPS: 65;
    readonly SPF: 99;
    readonly EUI48: 108;
    readonly EUI64: 109;
    readonly TKEY: 249;
    readonly TSIG: 250;
    readonly IXFR: 251;
    readonly AXFR: 252;
    readonly ANY: 255;
    readonly URI: 256;
    readonly CAA: 257;
};
declare const DNS_CLASS: {
    readonly IN: 1;
    readonly CH: 3;
    readonly HS: 4;
    readonly NONE: 254;
    readonly ANY: 255;
};
declare const DNS_OPCODE: {
    readonly QUERY: 0;
    readonly IQUERY: 1;
    readonly STATUS: 2;
    readonly NOTIFY: 4;
    readonly UPDATE: 5;
    readonly DSO: 6;
};
/** Response codes; those from 16 on need an OPT record (RFC 6891, 6.1.3). */
declare const DNS_RCODE: {
    readonly NOERROR: 0;
    readonly FORMERR: 1;
    readonly SERVFAIL: 2;
    readonly NXDOMAIN: 3;
    readonly NOTIMP: 4;
    readonly REFUSED: 5;
    readonly YXDOMAIN: 6;
    readonly YXRRSET: 7;
    readonly NXRRSET: 8;
    readonly NOTAUTH: 9;
    readonly NOTZONE: 10;
    readonly BADVERS: 16;
    readonly BADKEY: 17;
    readonly BADTIME: 18;
    readonly BADMODE: 19;
    readonly BADNAME: 20;
    readonly BADALG: 21;
    readonly BADTRUNC: 22;
    readonly BADCOOKIE: 23;
};

/** A reply to a request: `dnsReply(flow.request, { answers: [aRecord('example.org', '192.0.2.1')] })`. Default: NOERROR, no records. */
declare function dnsReply(request: DnsMessage, more?: Partial<Omit<DnsMessage, 'id' | 'response' | 'raw'>>): DnsMessage;
/** `ttl` in seconds, 60 by default. Throws a DnsError for what is no IPv4 address. */
declare function aRecord(name: string, address: string, ttl?: number): DnsRecord;
/** `ttl` in seconds, 60 by default. Throws a DnsError for what is no IPv6 address. */
declare function aaaaRecord(name: string, address: string, ttl?: number): DnsRecord;
/** `ttl` in seconds, 60 by default. Throws a DnsError for a target that is no name. */
declare function cnameRecord(name: string, target: string, ttl?: number): DnsRecord;

/** The data of a record: `192.0.2.1`, `10 mail.example.org`, `"v=spf1 -all"`; `\# 2 abcd` for a type of unknown form. */
declare function recordText(record: DnsRecord): string;
/** A whole message: a line for its head, for each question and for each record. The filter `~b` searches this text. */
declare function messageText(message: DnsMessage): string;

/** Every operator as a user writes it, and what it matches. */
declare const FILTER_HELP: readonly {
    readonly term: string;
    readonly help: string;
}[];

/** Tells whether a flow matches. Never throws. */
type FlowFilter = (flow: AnyFlow) => boolean;
interface FilterOptions {
    /** Regular expressions respect case. Default: false, and true where the environment has MITMPROXY_CASE_SENSITIVE_FILTERS=1. */
    readonly caseSensitive?: boolean | undefined;
}
/**
 * Makes a function of a filter. Throws ERR_FILTER, which shows the place and says what was expected there.
 *
 * Regular expressions are Python's, searched for anywhere: with flags (`(?i)`, `(?m)`, `(?s)`, `(?x)`, `(?a)` at the start, `(?s-i:...)` for a group), names
 * (`(?P<name>...)`, `(?P=name)`; JavaScript's `(?<name>...)` and `\k<name>` as well), comments, `\A`, `\Z`. Possessive quantifiers, atomic groups, conditions,
 * the flag L, references to groups that may have no match, or within a lookbehind, and `\N{...}` are refused. `\d`, `\w` and `\b` know ASCII alone, and
 * a lookbehind may have any length. No expression takes for ever: one that goes back too often is searched for in another way, and with
 * lookaround or backreferences, which that way does not know, only in the beginning of a long text; what may take for ever all the
 * same is refused (`(a+)+\\1`). In quotes, a backslash makes a quote or a backslash a plain character; before any other it stays.
 */
declare function parseFilter(text: string, options?: FilterOptions): FlowFilter;

/** The version of the records that this midwire makes. Each record has one, so that older ones can be read later. */
declare const RECORD_VERSION = 1;
/** Header fields, names and values by turns, in their order and case; a character is a byte. */
type FieldsRecord = readonly string[];
/** The recorded part of a body. */
interface BodyRecord {
    /** How long the body was in all, in bytes, recorded or not. */
    readonly length: number;
    /** The bytes that were recorded, as they passed: compressed bodies are compressed. */
    readonly stored: StoredBytes;
}
interface MessageRecord {
    readonly version: HttpVersion;
    readonly headers: FieldsRecord;
    readonly trailers: FieldsRecord | undefined;
    readonly irregularities: readonly string[];
    readonly body: BodyRecord;
    /** Milliseconds since the epoch. */
    readonly startedAt: number;
    readonly endedAt: number | undefined;
}
/** The fields are those of HttpRequest. */
interface RequestRecord extends MessageRecord {
    readonly method: string;
    readonly path: string;
    readonly scheme: 'http' | 'https';
    readonly host: string;
    readonly port: number;
    readonly absolute: string | undefined;
    readonly authority: string | undefined;
    readonly protocol: string | undefined;
    readonly pseudoOrder: readonly string[] | undefined;
}
/** The fields are those of HttpResponse. */
interface ResponseRecord extends MessageRecord {
    readonly status: number;
    readonly reason: string;
}
/** A message of a WebSocket. `length` is that of the whole message, of which `content` may be the beginning. */
interface WebSocketMessageRecord {
    readonly fromClient: boolean;
    readonly kind: WebSocketMessageKind;
    readonly content: Buffer;
    readonly length: number;
    readonly timestamp: number;
    readonly injected: boolean;
    readonly dropped: boolean;
}
/** The fields are those of WebSocketData. */
interface WebSocketRecord {
    readonly messages: readonly WebSocketMessageRecord[];
    readonly messagesFromClient: number;
    readonly messagesFromServer: number;
    readonly bytesFromClient: number;
    readonly bytesFromServer: number;
    readonly injected: number;
    readonly truncated: boolean;
    readonly closedByClient: boolean | undefined;
    readonly closeCode: number | undefined;
    readonly closeReason: string;
    readonly startedAt: number;
    readonly endedAt: number | undefined;
}
/** A message within a body: an event, a line of JSON, a gRPC message. `content` is without compression. */
interface StreamMessageRecord {
    readonly fromClient: boolean;
    readonly kind: StreamKind;
    readonly content: Buffer;
    readonly timestamp: number;
    readonly dropped: boolean;
    readonly event: string | undefined;
    readonly id: string | undefined;
    readonly retry: number | undefined;
}
interface StreamMessagesRecord {
    readonly recorded: readonly StreamMessageRecord[];
    readonly fromClient: number;
    readonly fromServer: number;
    readonly truncated: boolean;
}
interface CommonRecord {
    readonly version: number;
    readonly id: string;
    readonly client: ClientConnection;
    readonly server: ServerConnection | undefined;
    readonly error: FlowError | undefined;
    /** Milliseconds since the epoch. */
    readonly createdAt: number;
    readonly endedAt: number | undefined;
    readonly killed: boolean;
    readonly replayed: 'request' | 'response' | undefined;
    readonly marked: string;
    readonly comment: string;
    /** Of the notes of addons those that are plain data. */
    readonly metadata: Readonly<Record<string, unknown>>;
    /**
     * The flow as it was before it was first changed, of the same type and without a backup of its own: command `flow.revert` brings it back. Only flow files of
     * mitmproxy's have it. Default: the flow was not changed.
     */
    readonly backup?: FlowRecord | undefined;
}
interface HttpRecord extends CommonRecord {
    readonly type: 'http';
    readonly request: RequestRecord;
    readonly response: ResponseRecord | undefined;
    readonly upgrade: string | undefined;
    readonly websocket: WebSocketRecord | undefined;
    readonly messages: StreamMessagesRecord | undefined;
}
interface RawRecord extends CommonRecord {
    readonly type: 'tcp' | 'udp';
    readonly messages: readonly RawMessage[];
    readonly bytesFromClient: number;
    readonly bytesFromServer: number;
    readonly truncated: boolean;
}
interface DnsFlowRecord extends CommonRecord {
    readonly type: 'dns';
    readonly request: DnsMessage;
    readonly response: DnsMessage | undefined;
}
/** Plain, versioned data: but for the bytes of bodies, which are read when they are asked for, a record can be cloned and serialized. */
type FlowRecord = HttpRecord | RawRecord | DnsFlowRecord;

/** The flow that the record was made of, as far as it was recorded. Bodies are read from where they lie when they are asked for. */
declare function revive(record: FlowRecord): AnyFlow;

/** A flow of any protocol, over or not, as a record. */
declare function snapshot(flow: AnyFlow): FlowRecord;

/** Settings of all exports. */
interface ExportOptions {
    /** Of the curl command: connect to the address that the flow's server had, whatever its name leads to now. Default: false. */
    readonly preserveOriginalIp?: boolean;
}

/** `fetch`: JavaScript; `python-requests`: a Python program; `raw`: request and response as HTTP/1 has them. */
type ExportFormat = 'curl' | 'httpie' | 'fetch' | 'python-requests' | 'raw' | 'raw_request' | 'raw_response';
declare const EXPORT_FORMATS: readonly ExportFormat[];
/**
 * A flow in a format: commands and programs as text, raw messages as bytes. Nothing that was recorded is run as part of a command. Throws
 * ERR_ARGUMENT for a format that is unknown, a flow that is not of HTTP, and a body that was not recorded whole.
 */
declare function exportFlow(format: ExportFormat, flow: AnyFlow, options?: ExportOptions): string | Buffer;

/** The bytes of a flow in a flow file of mitmproxy's. They can be added to a file that has others. */
declare function writeMitmproxyFlow(record: FlowRecord): Buffer;

/** The definition of an option. midwire's own are in OPTIONS; addons and scripts define more by their property `options`. */
interface OptionDefinition {
    /**
     * The kind of value. `boolean`: true or false. `integer`: a whole number. `string`: a text. `strings`: a list of texts. `path`: a
     * path, where `~` is the home directory. `paths`: a list of paths. `size`: a number of bytes, where `k`, `m`, `g` and `t` are powers
     * of 1024. `choice`: one of `choices`. `regexps`: a list of regular expressions, which may match anywhere and in any case.
     */
    readonly type: 'boolean' | 'integer' | 'string' | 'strings' | 'path' | 'paths' | 'size' | 'choice' | 'regexps';
    /** The default, as `--set` would write it. Undefined means no value, and is for the types integer, size, string and path. */
    readonly default: boolean | number | string | readonly string[] | undefined;
    /** For the type choice: all possible values. */
    readonly choices?: readonly string[];
    /** For the types integer and size: the least and the greatest value. Default: from 0. */
    readonly range?: readonly [number, number];
    /** One line for `midwire --options`. */
    readonly help: string;
    /** True: the option is read when midwire starts, and changing it later is refused. Default: false. */
    readonly fixed?: boolean;
}
/** Definitions by the names of the options. A name has letters, digits and underscores, and begins with a letter. */
type OptionDefinitions = {
    readonly [name: string]: OptionDefinition;
};
/** All options of midwire's own. Where mitmproxy has an option, the name and the meaning are mitmproxy's. */
declare const OPTIONS: {
    readonly mode: {
        readonly type: "strings";
        readonly default: readonly string[];
        readonly help: string;
    };
    readonly server: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    } & {
        readonly fixed: true;
    };
    readonly via: {
        readonly type: "strings";
        readonly default: readonly string[];
        readonly help: string;
    };
    readonly listen_host: {
        readonly type: "string";
        readonly default: "";
        readonly help: string;
    } & {
        readonly fixed: true;
    };
    readonly listen_port: {
        readonly type: "integer";
        readonly range: readonly [number, number];
        readonly default: undefined;
        readonly help: string;
    } & {
        readonly fixed: true;
    };
    readonly scripts: {
        readonly type: "paths";
        readonly default: readonly string[];
        readonly help: string;
    } & {
        readonly fixed: true;
    };
    readonly hook_timeout: {
        readonly type: "integer";
        readonly range: readonly [number, number];
        readonly default: 30;
        readonly help: string;
    };
    readonly endpoint: {
        readonly type: "string";
        readonly default: undefined;
        readonly help: string;
    } & {
        readonly fixed: true;
    };
    readonly congestion: {
        readonly type: "choice";
        readonly choices: readonly ["bbr", "cubic"];
        readonly default: "bbr" | "cubic";
        readonly help: string;
    } & {
        readonly fixed: true;
    };
    readonly tcp_buffer: {
        readonly range?: readonly [number, number];
        readonly type: "size";
        readonly default: "6m";
        readonly help: string;
    } & {
        readonly fixed: true;
    };
    readonly wireguard_subnet: {
        readonly type: "strings";
        readonly default: readonly string[];
        readonly help: string;
    } & {
        readonly fixed: true;
    };
    readonly keep_host_header: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly keep_alt_svc_header: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly connection_strategy: {
        readonly type: "choice";
        readonly choices: readonly ["eager", "lazy"];
        readonly default: "eager" | "lazy";
        readonly help: string;
    };
    readonly upstream_cert: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly ssl_insecure: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly ssl_verify_upstream_trusted_ca: {
        readonly type: "path";
        readonly default: undefined;
        readonly help: string;
    };
    readonly ssl_verify_upstream_trusted_confdir: {
        readonly type: "path";
        readonly default: undefined;
        readonly help: string;
    };
    readonly certs: {
        readonly type: "strings";
        readonly default: readonly string[];
        readonly help: string;
    };
    readonly cert_passphrase: {
        readonly type: "string";
        readonly default: undefined;
        readonly help: string;
    };
    readonly client_certs: {
        readonly type: "path";
        readonly default: undefined;
        readonly help: string;
    };
    readonly request_client_cert: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly add_upstream_certs_to_client_chain: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly tls_version_client_min: {
        readonly type: "choice";
        readonly choices: readonly ["UNBOUNDED", "TLS1", "TLS1_1", "TLS1_2", "TLS1_3"];
        readonly default: "UNBOUNDED" | "TLS1" | "TLS1_1" | "TLS1_2" | "TLS1_3";
        readonly help: string;
    };
    readonly tls_version_client_max: {
        readonly type: "choice";
        readonly choices: readonly ["UNBOUNDED", "TLS1", "TLS1_1", "TLS1_2", "TLS1_3"];
        readonly default: "UNBOUNDED" | "TLS1" | "TLS1_1" | "TLS1_2" | "TLS1_3";
        readonly help: string;
    };
    readonly tls_version_server_min: {
        readonly type: "choice";
        readonly choices: readonly ["UNBOUNDED", "TLS1", "TLS1_1", "TLS1_2", "TLS1_3"];
        readonly default: "UNBOUNDED" | "TLS1" | "TLS1_1" | "TLS1_2" | "TLS1_3";
        readonly help: string;
    };
    readonly tls_version_server_max: {
        readonly type: "choice";
        readonly choices: readonly ["UNBOUNDED", "TLS1", "TLS1_1", "TLS1_2", "TLS1_3"];
        readonly default: "UNBOUNDED" | "TLS1" | "TLS1_1" | "TLS1_2" | "TLS1_3";
        readonly help: string;
    };
    readonly tls_engine: {
        readonly type: "choice";
        readonly choices: readonly ["auto", "node"];
        readonly default: "auto" | "node";
        readonly help: string;
    };
    readonly ciphers_client: {
        readonly type: "string";
        readonly default: undefined;
        readonly help: string;
    };
    readonly ciphers_server: {
        readonly type: "string";
        readonly default: undefined;
        readonly help: string;
    };
    readonly tls_ecdh_curve_client: {
        readonly type: "string";
        readonly default: undefined;
        readonly help: string;
    };
    readonly tls_ecdh_curve_server: {
        readonly type: "string";
        readonly default: undefined;
        readonly help: string;
    };
    readonly tls_legacy_server: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly tls_fail_open: {
        readonly type: "string";
        readonly default: "off";
        readonly help: string;
    };
    readonly ignore_hosts: {
        readonly type: "regexps";
        readonly default: readonly string[];
        readonly help: string;
    };
    readonly allow_hosts: {
        readonly type: "regexps";
        readonly default: readonly string[];
        readonly help: string;
    };
    readonly tcp_hosts: {
        readonly type: "regexps";
        readonly default: readonly string[];
        readonly help: string;
    };
    readonly udp_hosts: {
        readonly type: "regexps";
        readonly default: readonly string[];
        readonly help: string;
    };
    readonly show_ignored_hosts: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly http2: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly http2_ping_keepalive: {
        readonly type: "integer";
        readonly range: readonly [number, number];
        readonly default: 58;
        readonly help: string;
    };
    readonly mirror_http2: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly websocket: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly rawtcp: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly showhost: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly body_record_limit: {
        readonly range?: readonly [number, number];
        readonly type: "size";
        readonly default: "1m";
        readonly help: string;
    };
    readonly store_streamed_bodies: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly store_memory: {
        readonly range?: readonly [number, number];
        readonly type: "size";
        readonly default: "256m";
        readonly help: string;
    };
    readonly store_disk: {
        readonly range?: readonly [number, number];
        readonly type: "size";
        readonly default: "0";
        readonly help: string;
    } & {
        readonly fixed: true;
    };
    readonly stream_large_bodies: {
        readonly range?: readonly [number, number];
        readonly type: "size";
        readonly default: "1m";
        readonly help: string;
    };
    readonly body_size_limit: {
        readonly range?: readonly [number, number];
        readonly type: "size";
        readonly default: undefined;
        readonly help: string;
    };
    readonly validate_inbound_headers: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly connect_addr: {
        readonly type: "string";
        readonly default: undefined;
        readonly help: string;
    };
    readonly spoof_source_address: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly transparent_by_name: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly rfile: {
        readonly type: "string";
        readonly default: undefined;
        readonly help: string;
    } & {
        readonly fixed: true;
    };
    readonly readfile_filter: {
        readonly type: "string";
        readonly default: undefined;
        readonly help: string;
    };
    readonly save_stream_file: {
        readonly type: "string";
        readonly default: undefined;
        readonly help: string;
    };
    readonly save_stream_filter: {
        readonly type: "string";
        readonly default: undefined;
        readonly help: string;
    };
    readonly hardump: {
        readonly type: "string";
        readonly default: undefined;
        readonly help: string;
    };
    readonly keepserving: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly intercept: {
        readonly type: "string";
        readonly default: undefined;
        readonly help: string;
    };
    readonly intercept_active: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly client_replay: {
        readonly type: "paths";
        readonly default: readonly string[];
        readonly help: string;
    };
    readonly server_replay: {
        readonly type: "paths";
        readonly default: readonly string[];
        readonly help: string;
    };
    readonly server_replay_kill_extra: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly server_replay_extra: {
        readonly type: "choice";
        readonly choices: readonly ["forward", "kill", "204", "400", "404", "500"];
        readonly default: "forward" | "kill" | "204" | "400" | "404" | "500";
        readonly help: string;
    };
    readonly server_replay_reuse: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly server_replay_nopop: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly server_replay_refresh: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly server_replay_use_headers: {
        readonly type: "strings";
        readonly default: readonly string[];
        readonly help: string;
    };
    readonly server_replay_ignore_content: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly server_replay_ignore_host: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly server_replay_ignore_port: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly server_replay_ignore_params: {
        readonly type: "strings";
        readonly default: readonly string[];
        readonly help: string;
    };
    readonly server_replay_ignore_payload_params: {
        readonly type: "strings";
        readonly default: readonly string[];
        readonly help: string;
    };
    readonly client_replay_concurrency: {
        readonly type: "integer";
        readonly range: readonly [number, number];
        readonly default: 1;
        readonly help: string;
    };
    readonly tcp_timeout: {
        readonly type: "integer";
        readonly range: readonly [number, number];
        readonly default: 600;
        readonly help: string;
    };
    readonly proxyauth: {
        readonly type: "string";
        readonly default: undefined;
        readonly help: string;
    };
    readonly upstream_auth: {
        readonly type: "string";
        readonly default: undefined;
        readonly help: string;
    };
    readonly modify_headers: {
        readonly type: "strings";
        readonly default: readonly string[];
        readonly help: string;
    };
    readonly modify_body: {
        readonly type: "strings";
        readonly default: readonly string[];
        readonly help: string;
    };
    readonly map_remote: {
        readonly type: "strings";
        readonly default: readonly string[];
        readonly help: string;
    };
    readonly map_local: {
        readonly type: "strings";
        readonly default: readonly string[];
        readonly help: string;
    };
    readonly block_list: {
        readonly type: "strings";
        readonly default: readonly string[];
        readonly help: string;
    };
    readonly throttle: {
        readonly type: "strings";
        readonly default: readonly string[];
        readonly help: string;
    };
    readonly disabled_rules: {
        readonly type: "strings";
        readonly default: readonly string[];
        readonly help: string;
    };
    readonly anticache: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly anticomp: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly stickycookie: {
        readonly type: "string";
        readonly default: undefined;
        readonly help: string;
    };
    readonly stickyauth: {
        readonly type: "string";
        readonly default: undefined;
        readonly help: string;
    };
    readonly redact: {
        readonly type: "strings";
        readonly default: readonly string[];
        readonly help: string;
    } & {
        readonly fixed: true;
    };
    readonly block_global: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly block_private: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly dns_name_servers: {
        readonly type: "strings";
        readonly default: readonly string[];
        readonly help: string;
    };
    readonly dns_use_hosts_file: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly strip_ech: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly http3: {
        readonly type: "choice";
        readonly choices: readonly ["block", "pass"];
        readonly default: "block" | "pass";
        readonly help: string;
    };
    readonly client_process: {
        readonly type: "choice";
        readonly choices: readonly ["auto", "on", "off"];
        readonly default: "auto" | "off" | "on";
        readonly help: string;
    };
    readonly onboarding: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly onboarding_host: {
        readonly type: "string";
        readonly default: "mitm.it";
        readonly help: string;
    } & {
        readonly fixed: true;
    };
    readonly export_preserve_original_ip: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly flow_detail: {
        readonly type: "integer";
        readonly range: readonly [number, number];
        readonly default: 1;
        readonly help: string;
    };
    readonly content_view_lines_cutoff: {
        readonly type: "integer";
        readonly range: readonly [number, number];
        readonly default: 512;
        readonly help: string;
    };
    readonly dumper_default_contentview: {
        readonly type: "string";
        readonly default: "auto";
        readonly help: string;
    };
    readonly protobuf_definitions: {
        readonly type: "path";
        readonly default: undefined;
        readonly help: string;
    };
    readonly dumper_filter: {
        readonly type: "string";
        readonly default: undefined;
        readonly help: string;
    };
    readonly json_progress: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly json_bodies: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    };
    readonly pcap_file: {
        readonly type: "path";
        readonly default: undefined;
        readonly help: string;
    } & {
        readonly fixed: true;
    };
    readonly web_host: {
        readonly type: "string";
        readonly default: "127.0.0.1";
        readonly help: string;
    } & {
        readonly fixed: true;
    };
    readonly web_port: {
        readonly type: "integer";
        readonly range: readonly [number, number];
        readonly default: 8081;
        readonly help: string;
    } & {
        readonly fixed: true;
    };
    readonly web_open_browser: {
        readonly type: "boolean";
        readonly default: boolean;
        readonly help: string;
    } & {
        readonly fixed: true;
    };
    readonly web_password: {
        readonly type: "string";
        readonly default: "";
        readonly help: string;
    } & {
        readonly fixed: true;
    };
    readonly termlog_verbosity: {
        readonly type: "choice";
        readonly choices: readonly ["error", "warn", "info", "debug"];
        readonly default: "error" | "warn" | "info" | "debug";
        readonly help: string;
    };
};
type OptionName = keyof typeof OPTIONS;
type ValueOf<D> = D extends {
    type: 'boolean';
} ? boolean : D extends {
    type: 'integer' | 'size';
    default: infer F;
} ? F extends undefined ? number | undefined : number : D extends {
    type: 'string' | 'path';
    default: infer F;
} ? F extends undefined ? string | undefined : string : D extends {
    type: 'strings' | 'paths';
} ? readonly string[] : D extends {
    type: 'regexps';
} ? readonly RegExp[] : D extends {
    choices: readonly (infer C)[];
} ? C : never;
/** midwire's own options with their values, as the proxy reads them: a snapshot, which never changes. */
type Options = {
    readonly [Name in OptionName]: ValueOf<(typeof OPTIONS)[Name]>;
};
/** The value of any option, also of one that an addon has defined. Lists are frozen. */
type OptionValue = boolean | number | string | readonly string[] | readonly RegExp[] | undefined;
/** A snapshot that includes the options that addons and scripts have defined. */
type OptionSnapshot = Options & {
    readonly [name: string]: OptionValue;
};
/** An option's value as a program or a file gives it: of the option's own type, or as `--set` would write it. */
type GivenValue = string | number | boolean | readonly (string | RegExp)[] | null | undefined;
/** Options as a program or a file gives them: midwire's own, and those that addons and scripts define. */
type GivenOptions = {
    [Name in OptionName]?: Options[Name] | GivenValue;
} & {
    [name: string]: GivenValue;
};

/**
 * What a part of a line is, so that a terminal or a page can colour it. `name`: a key, a field, a tag. `mark`: a heading. `comment`: what
 * the view says by itself. `error`: what is wrong with the content.
 */
type ViewStyle = 'name' | 'string' | 'number' | 'literal' | 'comment' | 'mark' | 'error';
/** A text, or a text with a style. It has no line break, but may have other control characters: outputs escape them. */
type ViewPart = string | readonly [style: ViewStyle, text: string];
type ViewLine = readonly ViewPart[];
/** Writes content that stands inside other content, a part of a form say, in the page of that. */
type Nest = (page: Page, content: Buffer, contentType: string | undefined) => void;
declare class Page {
    #private;
    readonly lines: ViewLine[];
    /** Levels by which the lines that begin now are indented, of two spaces each. */
    depth: number;
    /** Adds to the line that is being written; a line break ends it. Throws where the page is full: let that error pass. */
    text(text: string, style?: ViewStyle): void;
    /** Ends the line that is being written, also an empty one. */
    end(): void;
    /** Adds to the line, and ends it. */
    line(text?: string, style?: ViewStyle): void;
    /** A line of a name and what it has: `Name: value`. */
    field(name: string, value: string, style?: ViewStyle): void;
    /** Counts work that writes nothing, as if it had written `count` characters. */
    step(count?: number): void;
    /** Writes content by the view that fits it best, indented as the page is. */
    nested(content: Buffer, contentType?: string): void;
    /** What is nested from now on is written by `nest`, until `ascend` is called. */
    descend(nest: Nest): void;
    ascend(): void;
    /** Adds a whole line of parts. */
    add(line: ViewLine): void;
    /** Whether a line was begun and not ended. */
    get open(): boolean;
    /** Ends the line where one was begun. The last call: what is written then is kept though the page is full. */
    close(): void;
    /** Forgets the lines behind the first `count`, and the one that was begun. */
    truncate(count: number): void;
}

/** What is known of content beside its bytes. */
interface ViewMetadata {
    /** The value of Content-Type; undefined for none. */
    readonly contentType: string | undefined;
    /** Of HTTP: the path of the request with its query. */
    readonly path: string | undefined;
    /** What the content is: the body of a request or response, or a message. */
    readonly kind: 'body' | 'websocket' | 'tcp' | 'udp';
    /** True: the client has sent it. */
    readonly fromClient: boolean;
    /** The flow that it is from; undefined where it is from none. */
    readonly flow: AnyFlow | undefined;
}
interface View {
    /** Small letters, digits, `-` and `_`. An addon's view takes the place of one of midwire's that has the same name. */
    readonly name: string;
    /** One line for `midwire help views`. */
    readonly help?: string;
    /**
     * How well the view fits, from 0, not at all, to 1. `auto` takes the view with the highest number; text has 0.2 and hex 0.1. It is asked
     * for every content that is shown, so it should look at the type and the first bytes alone.
     */
    priority(content: Buffer, metadata: ViewMetadata): number;
    /**
     * Shows the content, decoded from its Content-Encoding: returns a text, or lines; or writes to `page`, which ends the view by an error
     * when it is full. Content may be cut off at any byte, and may be anything. What it throws is shown, with the content as text or hex.
     */
    render(content: Buffer, metadata: ViewMetadata, page: Page): string | readonly (string | ViewLine)[] | undefined;
}

interface RenderOptions extends Partial<ViewMetadata> {
    /** The view's name. Default: `auto`, the one that fits best. */
    readonly view?: string | undefined;
    /** The most lines. Default: as many as a page may have, 200,000. */
    readonly lines?: number | undefined;
    /** The bytes of the content that are shown at most. Default: 1 MiB. */
    readonly bytes?: number | undefined;
}
interface Rendered {
    /** The name of the view that has written the lines. */
    readonly view: string;
    readonly lines: readonly ViewLine[];
    /** True where there is more than `lines` shows. */
    readonly cut: boolean;
    /** Why another view was taken than the one that was asked for, or fits best: a sentence; undefined where none was. */
    readonly note: string | undefined;
}
declare class Views {
    #private;
    /** Adds an addon's views; the returned function removes them. Throws ERR_ARGUMENT for what is no view. */
    add(views: readonly View[], addon?: string): () => void;
    /** The views, those of addons first. A name stands once. */
    list(): View[];
    /** The names that a view can be chosen by, `auto` first. */
    get names(): string[];
    /** Throws ERR_OPTION where no view has this name. */
    check(name: string): void;
    /**
     * Shows content: decoded from its Content-Encoding, whole or cut off. Never throws: a view that fails, or that is unknown, is told of in
     * `note`, and the content is shown as text or hex.
     */
    render(content: Buffer, options?: RenderOptions): Rendered;
}
/** The names of midwire's own views, `auto` first. A proxy may have more: `proxy.views.names`. */
declare const viewNames: () => string[];
/**
 * Shows content by midwire's own views: `renderView(response.decodedContent, { contentType: 'application/json' })`. Those of a running proxy,
 * which addons and options add to, are in `proxy.views`. Never throws.
 */
declare const renderView: (content: Buffer, options?: RenderOptions) => Rendered;
/** What was rendered as one text without styles, and behind it the note. Control characters are as they came. */
declare function renderedText({ lines, note }: Rendered): string;

interface Sink {
    readonly name: string;
    /** Called once, when a proxy takes the output for its own: what it has for outputs. */
    attached?(proxy: {
        readonly views: Views;
    }): void;
    /** Called with each flow that begins: with the head of a request, say. */
    begun?(flow: AnyFlow): void;
    /** Called with a flow that runs, when there is more of it: the head of a response, a message. Bytes of a body are not told: look at its `length`. */
    changed?(flow: AnyFlow): void;
    /** Called with each flow that is over. */
    flow?(flow: AnyFlow): void;
    log?(entry: LogEntry): void;
    /** Options were changed while the proxy runs. To refuse the change, throw. */
    configure?(change: ConfigureHook): void;
    /** Called when the proxy has ended: the output writes what it has buffered. */
    close?(): void | Promise<void>;
}

interface MidwireOptions {
    /** The modes, as `--mode` has them: `['wireguard', 'regular@8080']`. Default: option `mode`, else wireguard and regular. */
    modes?: readonly string[];
    /** The folder of keys, certificates and config.yaml. Default: MIDWIRE_CONFDIR, else `~/.midwire`. */
    confdir?: string;
    /** Values of options, as `--set` has them, those of addons and scripts, too: `{ ssl_insecure: true }`. config.yaml is not read. */
    options?: GivenOptions;
    /** Addons, called in this order, after the built-in ones and before option `scripts`. Default: none. */
    addons?: readonly Addon[];
    /** Outputs: `[terminalSink(process.stdout)]`. Default: none. */
    sinks?: readonly Sink[];
}
/** One address that a mode listens on. */
interface ListenerInfo {
    /** The mode's spec, as the user gave it, with `...` for passwords of proxies. */
    readonly spec: string;
    /** The mode's name. */
    readonly mode: string;
    /** An IP address, without brackets. */
    readonly host: string;
    readonly port: number;
    readonly transport: 'tcp' | 'udp';
    /** The number of datagrams of new clients that were dropped, because there were too many flows. Undefined for TCP and for tunnels. */
    readonly dropped?: number | undefined;
}
/** A mode of the list. */
interface ModeState {
    /** As the user gave it, with `...` for passwords of proxies. */
    readonly spec: string;
    readonly name: string;
    readonly state: 'running' | 'starting' | 'failed';
    /** Why it has failed: a sentence. Undefined for one that has not. */
    readonly error: string | undefined;
    /** Where it listens; none while it does not. */
    readonly listeners: readonly ListenerInfo[];
}
/** What a tunnel has seen of a client since it was started. */
interface PeerTraffic {
    /** `host:port` from which the client has last sent something that was authentic; undefined for none. */
    readonly endpoint: string | undefined;
    /** Milliseconds since the epoch: the last handshake of a session that is not over; undefined for none. */
    readonly handshakeAt: number | undefined;
    /** Bytes of IP packets from the client, and to it. */
    readonly receivedBytes: number;
    readonly sentBytes: number;
    /** The messages and packets of the client that were dropped: replays, wrong inner sources, lost sessions. */
    readonly dropped: number;
}
/** Whether a client trusts our certificate, as far as it has shown. */
interface ClientTrust {
    /** The peer's name, else its IP address. */
    readonly client: string;
    /** The peer's public key, else its IP address. */
    readonly key: string;
    /** True: it has spoken over TLS that midwire decrypts. False: it has refused our certificate, and never trusted it. */
    readonly trusts: boolean;
    /** The name that it asked for then; undefined where it named none. */
    readonly name: string | undefined;
    /** Milliseconds since the epoch. */
    readonly at: number;
}
/** A client of the tunnel. */
interface PeerInfo {
    /** The spec of the client's mode. */
    readonly spec: string;
    readonly name: string;
    /** Base64. */
    readonly publicKey: string;
    /** The client's addresses in the tunnel: `10.0.0.1/32`, `fd6d:6964:7769:7265::1/128`. */
    readonly addresses: readonly string[];
    /** The text of its WireGuard configuration, for a file or a QR code; undefined where its private key is not known. */
    readonly config: string | undefined;
    /** The endpoints that the client can dial, `host:port`, the best first; `config` has the best. */
    readonly endpoints: readonly string[];
    /** Undefined where the tunnel does not run. */
    readonly traffic?: PeerTraffic | undefined;
    /** Whether it trusts our certificate (`ClientTrust`); undefined where it has not shown that yet. */
    readonly trusts?: boolean | undefined;
}
/** A client whose connections to a name pass without being decrypted, because it has refused our certificate (option `tls_fail_open`). */
interface PassedThrough {
    /** The peer's name, or its public key where it has none; the IP address of a client that is not in a tunnel. */
    readonly client: string;
    /** The name in the client's ClientHello; the destination's host where it has none. */
    readonly name: string;
    /** Milliseconds since the epoch: from then on midwire tries to decrypt again. */
    readonly until: number;
}

/** A command with its name, as `list` has it. */
interface CommandInfo {
    readonly name: string;
    readonly help: string;
    readonly arguments: readonly CommandArgument[];
}
declare class Commands {
    #private;
    /** `choose`: the flows that a text names; it throws ERR_FILTER. `redacted`: a flow as outputs may see it (default: as it is). */
    constructor(choose: (text: string) => AnyFlow[] | Promise<AnyFlow[]>, redacted?: <F extends AnyFlow>(flow: F) => F);
    /** All commands, by name. */
    list(): CommandInfo[];
    /** Adds commands; the returned function removes them. Throws ERR_COMMAND for a name that is taken, or is no name. */
    define(definitions: CommandDefinitions): () => void;
    /**
     * Performs a command. A value is what its function wants, or a text as a user would type it: `call('flow.mark', '~d example.org')`.
     * Rejects with ERR_COMMAND for a command that is unknown, and for values that are wrong; else with what the command throws.
     */
    call(name: string, ...values: readonly unknown[]): Promise<unknown>;
}
/** `flow.mark FLOWS [MARK]`. */
declare const usageOf: (name: string, wanted: readonly CommandArgument[]) => string;

declare class Jobs {
    #private;
    /** Counts a job until its promise is settled. Where the promise is rejected the job has failed, and the error is logged. */
    add(job: PromiseLike<unknown>): void;
    /** How many jobs have begun so far. */
    get begun(): number;
    /** Fulfilled with the number of jobs that have failed, as soon as no job runs and no client is connected. */
    finished(): Promise<number>;
    /** Looks whether all is over. The proxy calls this when the last client has gone. */
    look(): void;
}

/**
 * Called during an update, with the new options and the names of those that change. A listener that throws refuses the update,
 * and then no option changes. A promise that it returns is not waited for.
 */
type OptionListener = (options: OptionSnapshot, changed: ReadonlySet<string>) => void;

/** The options of a running proxy. */
declare class ProxyOptions {
    #private;
    /** All values as they are now. A snapshot never changes: read it again after a change. */
    get snapshot(): OptionSnapshot;
    /** Every option that is defined now, with those of addons and scripts. */
    get definitions(): OptionDefinitions;
    /** The value of an option as it is now. Throws ERR_OPTION for an unknown name. */
    get<Name extends OptionName>(name: Name): Options[Name];
    get(name: string): OptionValue;
    /**
     * Changes options, all that are given or none: `set({ ssl_insecure: true, tcp_timeout: 60 })`, `set('flow_detail', 2)`. A
     * change applies to connections that begin from now on; open ones keep the values that they began with. Outputs and addons
     * follow at once. Undefined and the empty text mean the default; `toggle` the opposite of a boolean. Throws ERR_OPTION for names
     * and values that are wrong, for options that are read only when midwire starts (`fixed` in its definition: listen_host, scripts,
     * store_disk and others), and where an addon refuses the change; ERR_FILTER and
     * ERR_ARGUMENT for filters, name servers, connect_addr and files of certificates that are wrong.
     */
    set(values: GivenOptions): void;
    set(name: string, value: GivenValue): void;
    /**
     * Calls `listener` when one of these options changes, until the returned function is called. The listener runs in the middle of
     * `set`, may not change options itself, and refuses the change by throwing. Throws ERR_OPTION for an unknown name.
     */
    onChange(names: string | readonly string[], listener: OptionListener): () => void;
    /**
     * Defines options; the returned function removes them. An addon's property `options` does the same. Throws ERR_OPTION for
     * definitions that are wrong, and for names that are taken.
     */
    define(definitions: OptionDefinitions): () => void;
}
/**
 * Every option of midwire and of these scripts, for lists of options. The scripts are loaded, and none of their hooks is called.
 * Throws ERR_SCRIPT and ERR_OPTION.
 */
declare function optionDefinitions(scripts?: readonly string[]): Promise<OptionDefinitions>;

/** The orders in which recorded flows can be read. */
type FlowSort = 'time' | 'method' | 'url' | 'status' | 'size' | 'duration';

/** Which recorded flows are read, and in which order. */
interface FlowQuery {
    /** Default: all. */
    readonly filter?: string | ((flow: AnyFlow) => boolean) | undefined;
    /** Default: time, that is when each began. `url`: by their first 256 characters; `method`: by its first six letters. */
    readonly sort?: FlowSort | undefined;
    /** True: the last comes first. Default: false. */
    readonly reverse?: boolean | undefined;
    /** How many flows that match are passed over. Default: 0. */
    readonly offset?: number | undefined;
    /** How many are given at most. Default: all. */
    readonly limit?: number | undefined;
}

declare class StoreReader {
    #private;
    /** `folder`: `store` in the conf dir. Throws where it cannot be read. */
    constructor(folder: string);
    /** The flows that are recorded now. Throws ERR_FILTER. */
    flows(query?: FlowQuery): AsyncGenerator<AnyFlow, undefined>;
    /** How many flows are recorded, as of the last look. */
    get count(): number;
    /** A flow by its id, or the newest whose id begins with these 8 characters or more; undefined for none. */
    flow(id: string): AnyFlow | undefined;
    /** From now on `fresh` gives the flows that come after those that are there. */
    skip(): void;
    /** The flows that have been written since the last call, one after the other. */
    fresh(): Generator<AnyFlow, undefined>;
}

/** What a store holds. */
interface RecordedInfo {
    /** Recorded flows, on disk and in memory. */
    readonly flows: number;
    /** Bytes of those that are in memory: all, or those that are not on disk yet, or could not be written. */
    readonly memory: number;
    /** Bytes of the files; 0 where nothing is recorded on disk. */
    readonly disk: number;
    /** Flows that were dropped because there was no more room, the oldest first. */
    readonly forgotten: number;
    /** Flows that were not written to disk although they should have been: it was full, has failed, or was too slow. */
    readonly unwritten: number;
}

/** A text that is compared as a whole, or an expression that is searched for. */
type TextMatch = string | RegExp;
/**
 * The parts of a request; all that are given have to match. `{}` matches every request.
 *
 * ```ts
 * proxy.mock({ method: 'POST', host: 'api.test', path: '/users', jsonIncludes: { name: 'Ada' } }).respond(201)
 * ```
 */
interface RequestMatch {
    /** `GET`, or several: `['GET', 'HEAD']`; in any case. */
    readonly method?: string | readonly string[];
    /** The URL as a browser shows it: `https://api.test/users`. A text without a query matches whatever query there is. */
    readonly url?: TextMatch;
    /** The name, or `name:port`. */
    readonly host?: TextMatch;
    /** `/users`. A text without a query matches whatever query there is. */
    readonly path?: TextMatch;
    /** Parameters of the query, decoded; there may be others. Of a list each value has to be there. */
    readonly query?: Readonly<Record<string, TextMatch | readonly string[]>>;
    /** Fields by their names in any case; there may be others. */
    readonly headers?: Readonly<Record<string, TextMatch>>;
    /** Cookies by their names; there may be others. */
    readonly cookies?: Readonly<Record<string, TextMatch>>;
    /** The body, without its Content-Encoding. */
    readonly body?: TextMatch | Uint8Array;
    /** A body of JSON with this value, whatever its spaces and the order of its keys. */
    readonly json?: unknown;
    /** A body of JSON with at least these keys and elements. */
    readonly jsonIncludes?: unknown;
    /** Fields of a form (`application/x-www-form-urlencoded`), decoded; there may be others. */
    readonly form?: Readonly<Record<string, TextMatch>>;
    /** True: only requests that open a WebSocket. False: only others. */
    readonly websocket?: boolean;
    /** Whatever else has to be true. */
    readonly when?: (flow: HttpFlow) => boolean;
}
/** Flows of each type by its name. */
interface FlowTypes {
    http: HttpFlow;
    tcp: Extract<AnyFlow, {
        type: 'tcp';
    }>;
    udp: Extract<AnyFlow, {
        type: 'udp';
    }>;
    dns: Extract<AnyFlow, {
        type: 'dns';
    }>;
}
/** A filter (`~d api.test & ~m POST`), a function, or the parts of a request. */
type FlowMatch<F extends AnyFlow = HttpFlow> = string | ((flow: F) => boolean) | RequestMatch;

interface InterceptOptions {
    /** Where flows wait. Default: at both, so that the iterator gives a flow twice. */
    readonly at?: 'request' | 'response';
}
/**
 * The flows that wait. One whose `response` is undefined waits at its request, with its whole body: change it, answer it by
 * `flow.response`, then `flow.resume()` or `flow.kill()`. One with a `response` waits before that goes to the client.
 */
interface Interception extends AsyncIterableIterator<HttpFlow>, AsyncDisposable {
    /** The number of flows that were let pass because 1,000 were waiting already. */
    readonly passed: number;
    /** The next flow that waits. Rejects with ERR_CLOSED where the iterator has ended. */
    take(): Promise<HttpFlow>;
    next(): Promise<IteratorResult<HttpFlow, undefined>>;
    /** Lets all that wait go on, and no other flow wait. A `break` out of `for await` calls it, and so does `await using`. */
    return(): Promise<IteratorResult<HttpFlow, undefined>>;
}

/** A body: a text; bytes; a stream or generator of them; any other value is JSON. */
type MockBody = string | Uint8Array | BodySource | unknown;
/** A response. At most one of `text`, `json`, `body`, `file` and `stream` is given; without one it has no body. */
interface MockResponse {
    /** Default: 200. */
    readonly status?: number;
    /** Default: the usual one of that status. */
    readonly reason?: string;
    /** Content-Length follows by itself, and Content-Type where it is not given: JSON, text, or that of the file's name. */
    readonly headers?: HttpHeadersInit;
    readonly text?: string;
    readonly json?: unknown;
    /** Bytes, without a Content-Type. */
    readonly body?: Uint8Array;
    /** The path of a file, which is read for each answer. */
    readonly file?: string;
    /** A body that comes piece by piece: a generator, a ReadableStream, a Node stream. A stream can be read once, so it is for one answer. */
    readonly stream?: BodySource;
}
/** What a function of `respond` returns: a status, the parts of a response, or a response; undefined lets the request pass. */
type MockAnswer = number | MockResponse | HttpResponse | undefined;

interface MessageChanges {
    /** Fields to set; undefined takes one away. */
    readonly headers?: Readonly<Record<string, string | undefined>>;
    /** A new body, one of these: a text, a value as JSON, or bytes. */
    readonly text?: string;
    readonly json?: unknown;
    readonly body?: Uint8Array;
}
interface RequestChanges extends MessageChanges {
    readonly method?: string;
    /** With its query. */
    readonly path?: string;
    /** Sends the request elsewhere. */
    readonly url?: string;
}
interface ResponseChanges extends MessageChanges {
    readonly status?: number;
}
/** Changes, or a function that makes them in the flow itself: `(flow) => { flow.response.status = 500 }`. */
interface Passthrough {
    readonly request?: RequestChanges | ((flow: HttpFlow) => void | Promise<void>);
    readonly response?: ResponseChanges | ((flow: HttpFlow & {
        response: HttpResponse;
    }) => void | Promise<void>);
}

/**
 * A rule that `proxy.mock()` has made. Until it is told what to do, and once it has been used as often as it may, it is passed over. The last
 * call of a kind counts, and the order of the calls does not matter: `mock({ path: '/a' }).respond(503).twice()`.
 */
declare class Mock implements Disposable {
    #private;
    /** The flows that the rule was used for, in order: their requests are whole, their responses as far as they have come. */
    readonly seen: HttpFlow[];
    /**
     * Answers with a status, a body (a text, bytes, a stream or generator; any other value is JSON) and fields:
     * `respond(200, { name: 'Ada' })`. The server is not asked, and need not exist.
     */
    respond(status: number, body?: MockBody, headers?: HttpHeadersInit): this;
    /**
     * Answers with a response, or with what a function makes of the flow: `respond(({ request }) => ({ json: { you: request.path } }))`. A
     * function may be asynchronous, and may take 30 s. Where it throws, the client gets a 502 with the reason.
     */
    respond(answer: MockResponse | HttpResponse | ((flow: HttpFlow) => MockAnswer | Promise<MockAnswer>)): this;
    /** Answers with JSON. Default of `status`: 200. */
    json(value: unknown, status?: number): this;
    /** Answers with a file, which is read for each answer. Its name says its Content-Type. Default of `status`: 200. */
    file(path: string, status?: number): this;
    /**
     * Answers with a body that comes piece by piece, as fast as the client takes it: a generator function, which is called for each answer, or a
     * stream, for one answer. Default of `status`: 200.
     */
    stream(source: BodySource | (() => BodySource), status?: number): this;
    /** Lets the request go to its server. `changes`: what is changed in the request, and in the response: `{ response: { status: 503 } }`. */
    passthrough(changes?: Passthrough): this;
    /** Sends the request to another server: `http://localhost:3000`, or `ws://`; a path in it stands before the request's own. */
    forward(url: string, changes?: Passthrough): this;
    /** Resets the client's connection (of HTTP/2: its stream), without an answer. */
    abort(): this;
    /** Ends the client's connection in order (FIN; of HTTP/2 its stream, by RST_STREAM with NO_ERROR), without an answer. */
    close(): this;
    /** Never answers. */
    timeout(): this;
    /** Opens the WebSocket, and sends each message back. */
    echo(): this;
    /** Opens the WebSocket, and says nothing: `mock.seen[0].inject('client', 'hello')` speaks in its place. */
    listen(): this;
    /** Refuses the WebSocket, or what else the request is for, with a status. Default: 403. */
    reject(status?: number): this;
    /** The answer, or the request that passes, waits so many milliseconds. */
    delay(milliseconds: number): this;
    /** Is used for so many requests, and then passed over. */
    times(count: number): this;
    once(): this;
    twice(): this;
    /** Is used for every request that matches: the default. */
    always(): this;
    /** Is used only where no rule of another kind matches. */
    fallback(): this;
    /** How often the rule was used. */
    get used(): number;
    /** True until the rule was used as often as it may; without `times`, once. */
    get pending(): boolean;
    /** The rule is for no request from now on. What it has seen stays. */
    remove(): void;
    [Symbol.dispose](): void;
}

interface WaitOptions<Type extends keyof FlowTypes = 'http'> {
    /** Milliseconds. Default: 4,000. Infinity waits until the proxy is closed. */
    readonly timeout?: number;
    /** The type of flow that is waited for. Default: `http`. */
    readonly type?: Type;
}

type DispatcherOf<Init> = 'dispatcher' extends keyof Init ? NonNullable<Init['dispatcher' & keyof Init]> : any;
/** What Node's `fetch` takes as `dispatcher`. In a program with the types of browsers, whose `fetch` takes none, it has no type. */
type FetchDispatcher = DispatcherOf<RequestInit>;

/** The part of a proxy that tests are written with. All of it is made of addons, so what is not used costs nothing. */
declare abstract class Fixture {
    #private;
    /** The flows that have begun and are not over, the oldest first. */
    abstract get runningFlows(): readonly AnyFlow[];
    abstract addAddon(addon: Addon): () => void;
    abstract readonly confdir: string;
    abstract readonly options: ProxyOptions;
    abstract readonly authority: Authority;
    abstract get listeners(): readonly ListenerInfo[];
    /**
     * The URL of the HTTP proxy, for programs on this machine: `http://127.0.0.1:8080`, with the user and password of option `proxyauth`. Throws
     * ERR_ARGUMENT where no mode is such a proxy.
     */
    get url(): string;
    /**
     * Variables for the environment of a child process, whose requests then go through the proxy and whose TLS trusts it: `HTTP_PROXY` and
     * its like, `SSL_CERT_FILE`, `NODE_EXTRA_CA_CERTS`, `CURL_CA_BUNDLE`, `REQUESTS_CA_BUNDLE`, `GIT_SSL_CAINFO` and those of other
     * programs. The file of authorities, the system's with midwire's, is in the conf dir.
     *
     * ```ts
     * spawn('npm', ['test'], { env: { ...process.env, ...(await proxy.env()) } })
     * ```
     *
     * Rejects with ERR_ARGUMENT where no mode is an HTTP proxy, and with ERR_CONFDIR where the file cannot be written.
     */
    env(): Promise<Record<string, string>>;
    /**
     * An undici dispatcher for requests of this very program: an undici `ProxyAgent` that trusts the authority, and no other. The program
     * has to have the package undici.
     *
     * ```ts
     * const response = await fetch('https://api.test/users', { dispatcher: await proxy.dispatcher() })
     * ```
     *
     * `setGlobalDispatcher(await proxy.dispatcher<Dispatcher>())` of undici does it for all of its requests. `Agent` is the type that is wanted: Node's
     * `fetch` and the package undici have types of their own. Close it before the proxy. Rejects with ERR_ARGUMENT
     * where undici is not there, and where no mode is an HTTP proxy.
     */
    dispatcher<Agent = FetchDispatcher>(): Promise<Agent>;
    /**
     * The next flow that matches, once it is over: answered, ended or failed. Only flows that end after the call count, so call it before
     * what makes the flow begin, and await it afterwards:
     *
     * ```ts
     * const posted = proxy.waitFor({ method: 'POST', path: '/login' })
     * await page.click('text=Log in')
     * t.is((await posted).response?.status, 200)
     * ```
     *
     * Rejects with ERR_TIMEOUT after `timeout` milliseconds (default 4,000), with a message that names the flows that ended meanwhile and
     * did not match; with ERR_CLOSED when the proxy is closed; and with what a function throws. Throws ERR_FILTER and ERR_ARGUMENT.
     */
    waitFor<Type extends keyof FlowTypes = 'http'>(match: FlowMatch<FlowTypes[Type]>, options?: WaitOptions<Type>): Promise<FlowTypes[Type]>;
    /**
     * Makes the HTTP flows that match wait, from now on, and gives them one after the other: a flow waits at its request, and again at its
     * response. What is still waiting when the iterator is left, or the proxy is closed, goes on.
     *
     * ```ts
     * for await (const flow of proxy.intercept({ path: '/users' }, { at: 'response' })) {
     *   flow.response!.status = 503
     *   flow.resume()
     *   break
     * }
     * ```
     *
     * With `take()` a test asks for one: `await using users = proxy.intercept('~u /users')`, then `const flow = await users.take()`.
     * Throws ERR_FILTER and ERR_ARGUMENT.
     */
    intercept(match: FlowMatch, options?: InterceptOptions): Interception;
    /**
     * Sends the request of a flow again, recorded or changed, as its client did: through all hooks, by the way of its mode, and by the
     * HTTP version that it had. The promise gives the new flow, whose `replayed` is `request`, once that is over, with `error` where it has
     * failed; of several flows those that were sent, in the order given. They wait for their turn, one after the other, or all at once
     * (option `client_replay_concurrency`). Rejects with ERR_REPLAY where one of them cannot be replayed: WebSockets, CONNECT, bodies that
     * were recorded in part.
     */
    replay(flow: HttpFlow | FlowRecord): Promise<HttpFlow>;
    replay(flows: Iterable<HttpFlow | FlowRecord>): Promise<HttpFlow[]>;
    /**
     * Makes a rule for the HTTP requests that match, from now on; what it does with them is said by the rule's methods.
     *
     * ```ts
     * const users = proxy.mock({ method: 'GET', path: '/users' }).respond(200, [{ name: 'Ada' }])
     * proxy.mock({ path: '/users' }).respond(503).twice()
     * proxy.mock('~d cdn.test').forward('http://localhost:3000')
     * proxy.mock({}).respond(404).fallback()
     * // ... the program under test runs ...
     * t.is(users.seen.length, 1)
     * ```
     *
     * The first rule that matches is used, in the order in which they were made; one that was used as often as it may (`times`) is passed
     * over. A request without a rule goes to its server. While there are rules, whole requests are held in memory, and no server is
     * connected to before a request needs it, so that servers of mocked hosts need not exist. Throws ERR_FILTER and ERR_ARGUMENT.
     */
    mock(match: FlowMatch): Mock;
    /** The rules that `mock()` has made and that were not removed, in their order. */
    get mocks(): readonly Mock[];
    /** Removes all rules. Requests that a rule was used for already go on with it. */
    clearMocks(): void;
}

/** The iterator that `proxy.flows()` returns. */
interface Flows extends AsyncIterableIterator<AnyFlow> {
    /** The number of flows that were dropped because this reader was too slow. */
    readonly dropped: number;
}

/** What a table shows of a flow. Texts that a peer has sent are cut: the path at 512 characters, others at 256. */
interface FlowRow {
    /** The number of the row, from 1 on, in the order in which flows have come. It stays as long as the proxy runs. */
    readonly number: number;
    readonly id: string;
    readonly type: 'http' | 'tcp' | 'udp' | 'dns';
    /** The HTTP flow has become a WebSocket. */
    readonly websocket: boolean;
    /** Of DNS the type of the question, `A`; empty for raw flows. */
    readonly method: string;
    /** `http` or `https`; of other flows their type. */
    readonly scheme: string;
    /** The name that the client asked for, else the address of the server. */
    readonly host: string;
    readonly port: number;
    /** With the query. Of DNS the name that was asked for; empty for raw flows. */
    readonly path: string;
    /** 0 without a response. */
    readonly status: number;
    /** The media type of the response without its parameters; empty for none. */
    readonly contentType: string;
    /** Bytes of both bodies, or of all messages, recorded or not. */
    readonly size: number;
    /** Milliseconds since the epoch. */
    readonly createdAt: number;
    /** Milliseconds; -1 while the flow runs. */
    readonly duration: number;
    /** It is not over. */
    readonly live: boolean;
    /** It waits for `flow.resume`. */
    readonly intercepted: boolean;
    /** It was replayed, or answered by a replay. */
    readonly replayed: boolean;
    /** Why it has failed; empty where it has not. */
    readonly error: string;
    readonly marked: string;
    readonly comment: string;
    /** The name of the client's WireGuard peer, else the client's IP address. */
    readonly client: string;
    /** The spec of the client's mode. */
    readonly mode: string;
}

/** The columns by which `proxy.list()` sorts. */
type RowSort = ('number' | 'time' | 'type' | 'method' | 'host' | 'path' | 'url' | 'status' | 'contentType' | 'size') | ('duration' | 'client' | 'marked');
/** All of them. */
declare const ROW_SORTS: readonly RowSort[];

/** Which flows `proxy.list()` shows, and in which order. */
interface FlowListQuery {
    /** Default: all. */
    readonly filter?: string | ((flow: AnyFlow) => boolean) | undefined;
    /** The column by which rows are sorted; rows that are equal in it stand in the order in which flows have come. Default: `number`. */
    readonly sort?: RowSort | undefined;
    /** True: the last comes first. Default: false. */
    readonly reverse?: boolean | undefined;
}
/** What has changed in a list since the changes were taken the last time. */
interface FlowListChanges {
    /** True: there is too much to tell, and the list is to be read anew; the three lists are empty then. */
    readonly reset: boolean;
    /** Ids of flows that are in the list now and were not before. */
    readonly added: readonly string[];
    /** Ids of flows that were in the list before and still are, and have changed. */
    readonly updated: readonly string[];
    /** Ids of flows that are in the list no more: they match no more, or were forgotten. */
    readonly removed: readonly string[];
}
/** A live view of recorded and running flows, which `proxy.list()` gives. It costs little for each flow, and nothing while nothing comes. */
interface FlowList {
    /** How many flows match, of those that were looked at so far. */
    readonly total: number;
    /** How many recorded flows were looked at since the list was opened, or sorted in another way; `of`: how many there are to look at. */
    readonly scanned: number;
    readonly of: number;
    /** Fulfilled when all recorded flows were looked at, or the list was closed. */
    readonly complete: Promise<void>;
    readonly sort: RowSort;
    readonly reverse: boolean;
    /**
     * Called once there may be something to take with `takeChanges()`, and not again until that was called: at most once a turn of the event loop. Undefined for
     * nothing. Changes while the list looks at what is recorded count, too.
     */
    onchange: (() => void) | undefined;
    /** The ids of the rows from `offset` on, `limit` at most. */
    ids(offset: number, limit: number): string[];
    /** The rows from `offset` on, `limit` at most. They are copies. */
    rows(offset: number, limit: number): FlowRow[];
    /** The row of a flow that is in the list; undefined for another. */
    row(id: string): FlowRow | undefined;
    /** Where a flow stands in the list, from 0 on; -1 where it is not in it. */
    position(id: string): number;
    /** The number of a flow's row, whether the list has it or not: from 1 on, in the order in which flows have come. Undefined for a flow that is unknown. */
    number(id: string): number | undefined;
    /** What has changed since the last call, one word a flow; undefined where nothing has. More than 5,000 rows are a `reset`. */
    takeChanges(): FlowListChanges | undefined;
    /** Sorts the list in another way, in slices, as `scanned` shows. Throws a RangeError for a column that is none. */
    sortBy(sort: RowSort, reverse?: boolean): void;
    close(): void;
}

/** Which flows `proxy.flows()` gives: recorded ones, and those that come. */
interface FlowsQuery extends FlowQuery {
    /** True: after the recorded flows come those that end from now on, in that order, all that match. Default: false. */
    readonly follow?: boolean | undefined;
}
declare abstract class Recording extends Fixture {
    #private;
    abstract log(level: LogLevel$1, message: string): void;
    /**
     * An iterator over flows as they end: all of them, or those that match a filter (`~d example.org & ~m POST`). At most 10,000
     * flows, and 64 MiB of them (`flow.size`), wait for a slow reader; beyond that the oldest are dropped, and counted in `dropped`.
     * The iterator ends when the proxy is closed. Throws ERR_FILTER.
     */
    flows(filter?: string | ((flow: AnyFlow) => boolean)): Flows;
    /**
     * An iterator over recorded flows: `proxy.flows({ filter: '~c 500', sort: 'duration', reverse: true, limit: 10 })`. It ends behind them, or
     * goes on with flows that end later (`follow: true`), with the bounds above. A recorded flow is a copy: what was recorded of it when it
     * ended. Throws ERR_FILTER, and a RangeError for an order that is none.
     */
    flows(query: FlowsQuery): Flows;
    /**
     * A live list of recorded and running flows for a window of them: those that match, in an order, kept up with what comes. It looks at what is
     * recorded in slices, so that nothing waits for it. Close it, or it is kept up with flows for ever. Throws ERR_FILTER, and a RangeError for a
     * column that is none.
     */
    list(query?: FlowListQuery): FlowList;
    /**
     * A flow that runs, by its id; or a copy of a recorded one, by its id or by the beginning of it, 8 characters at least. Undefined where there is
     * none.
     */
    flow(id: string): AnyFlow | undefined;
    /** Forgets all recorded flows, in memory and on disk. */
    clear(): void;
    /** How much is recorded, and what was dropped. */
    get recorded(): RecordedInfo;
    /** A flow as outputs may see it: without what option `redact` names. It reads from the flow, and so follows one that runs. */
    abstract shown(flow: AnyFlow): AnyFlow;
}
/**
 * Opens the recorded flows of a conf dir (default: MIDWIRE_CONFDIR, else `~/.midwire`) to read them, also while a midwire records there.
 * Throws ERR_CONFDIR where nothing is recorded.
 */
declare function openStore(confdir?: string): StoreReader;

/** Which flows `proxy.dump()` writes, and as what. */
interface DumpOptions {
    /** Default: all recorded flows. */
    readonly filter?: string | undefined;
    /** Only the flows with these ids, recorded or running, in this order; those that are unknown are left out. Default: no choice by id. */
    readonly ids?: readonly string[] | undefined;
    /** `flows`: mitmproxy's flow file. `har`: HAR 1.2, the flows of HTTP alone. Default: `flows`. */
    readonly format?: 'flows' | 'har' | undefined;
}
declare abstract class Editing extends Recording {
    #private;
    abstract update(flows: readonly AnyFlow[]): void;
    /**
     * Changes a flow, which runs or is recorded, and keeps it as it was before the first change: command `flow.revert` brings it back. Up to 1,000 flows and
     * 64 MiB are kept so. Where `change` throws, that is thrown, and what it has changed until then stays changed. Throws ERR_ARGUMENT where there is no such flow.
     */
    edit(id: string, change: (flow: AnyFlow) => void): AnyFlow;
    /** Whether a flow was changed by `edit` or a command, and can be brought back. */
    isModified(id: string): boolean;
    /** Forgets flows, in memory and on disk. Those that run are ended first, as `flow.kill()` does. */
    remove(flows: readonly AnyFlow[]): void;
    /** Records copies of flows, with ids of their own; that of a flow that runs is over. */
    duplicate(flows: readonly AnyFlow[]): AnyFlow[];
    /**
     * The bytes of a file with flows, as outputs may see them (option `redact`), a piece for each flow. Throws ERR_FILTER.
     */
    dump({ filter, ids, format }?: DumpOptions): AsyncGenerator<Buffer, void, undefined>;
    /**
     * Reads the flows of a file: mitmproxy's flow file or a HAR, as it is or compressed by gzip or zlib. They run through the hooks of addons and are recorded, as
     * with option `rfile`; one whose id is taken gets another. Fulfilled with the number of flows. Throws ERR_FLOW_FILE for bytes that are none, after the
     * flows before the fault.
     */
    load(bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<number>;
}

declare abstract class WaysIn extends Editing {
    #private;
    /** The addresses that the modes listen on. */
    get listeners(): readonly ListenerInfo[];
    /** The modes of option `mode`, in its order: where they listen, or why they do not. */
    get modes(): readonly ModeState[];
    /**
     * Changes the list of modes, as option `mode` does. Modes that are in both lists go on with their connections; those that are new
     * listen when the promise is fulfilled. Throws ERR_MODE for specs that are wrong, and nothing is changed then; the error of listening
     * where a mode cannot, and all others have been started then.
     */
    setModes(modes: readonly string[]): Promise<void>;
    /** Adds a mode to the list. One that is in the list and has failed is tried again. Throws ERR_MODE, and the error of listening where it cannot. */
    addMode(spec: string): Promise<void>;
    /**
     * Takes a mode from the list, by its spec as it was given, or as `modes` shows it. Fulfilled with false where there is no such mode. Throws ERR_MODE for the last
     * one: a proxy without a mode is one that was started with option `server` off.
     */
    removeMode(spec: string): Promise<boolean>;
    /** The endpoints that clients of tunnels can dial, `host:port`, the best of each tunnel first. */
    get endpoints(): readonly string[];
    /** The clients of tunnels. */
    get peers(): readonly PeerInfo[];
    /**
     * Adds a client to a tunnel and to its key file: with a new key pair, or with `publicKey` for a client that keeps its private key to itself. It is let in when
     * the promise is fulfilled. `spec`: the mode, where there are several tunnels; default: the first. Throws ERR_WIREGUARD_CONF, also for a name or key
     * that is taken, and ERR_ARGUMENT where there is no such tunnel.
     */
    addPeer(name: string, options?: {
        publicKey?: string;
        spec?: string;
    }): Promise<PeerInfo>;
    /** Shuts a client out of a tunnel, and removes it from the key file with its keys. Throws ERR_WIREGUARD_CONF for an unknown name, and ERR_ARGUMENT. */
    removePeer(name: string, options?: {
        spec?: string;
    }): Promise<void>;
    /** The clients that were seen to trust our certificate, or to refuse it: 1,000 at most, those that were seen last. */
    get trust(): readonly ClientTrust[];
    /**
     * Makes an address midwire's own: whoever wants to go there through the proxy or a tunnel is refused, in every spelling of the address. `host` is an IP
     * address; `0.0.0.0` and `::` are all addresses of this machine. The returned function takes it back.
     */
    protect({ host, port }: {
        readonly host: string;
        readonly port: number;
    }): () => void;
    /** The clients that pass undecrypted, each to the name that it has refused our certificate for (option `tls_fail_open`). */
    get passedThrough(): readonly PassedThrough[];
    /** Forgets them: the next connection of each is decrypted again. */
    clearPassedThrough(): void;
}

/** A running proxy. */
declare class Midwire extends WaysIn {
    #private;
    readonly confdir: string;
    /** The options, to be read, watched and changed while the proxy runs. */
    readonly options: ProxyOptions;
    /** The certificate authority that clients are to trust. */
    readonly authority: Authority;
    /** What can be done by name: midwire's own commands, and those of addons. */
    readonly commands: Commands;
    /** Work that the command stays for: files that are read, flows that are replayed. */
    readonly jobs: Jobs;
    /** How content is shown: midwire's own views, and those of addons. */
    readonly views: Views;
    /** Fulfilled when the proxy is closed. */
    readonly closed: Promise<void>;
    /**
     * Starts a proxy, which listens when the promise is fulfilled. Throws a MidwireError, before a socket is opened, for options,
     * modes, keys or scripts that are wrong; then an error of listening, such as ERR_ADDRESS_IN_USE.
     */
    static start(given?: MidwireOptions): Promise<Midwire>;
    private constructor();
    /** The flows that have begun and are not over, the oldest first. */
    get runningFlows(): readonly AnyFlow[];
    /** Calls `method` at a hook, after the addons' methods, until the returned function is called. Throws ERR_HOOK. */
    on<Name extends HookName>(name: Name, method: (subject: Hooks[Name]) => void | Promise<void>): () => void;
    /**
     * Adds an addon while the proxy runs; the returned function removes it with its options and commands. Throws ERR_HOOK for a method
     * whose name is nearly that of a hook and where its `load` throws, ERR_OPTION for options that the addon cannot define or refuses, and ERR_COMMAND for
     * commands that it cannot define.
     */
    addAddon(addon: Addon): () => void;
    /**
     * Adds an output while the proxy runs: it is told of flows and lines of the log from now on, without what option `redact` names. The returned function
     * removes it, and calls its `close`.
     */
    addSink(sink: Sink): () => void;
    /** The last lines of the log, of all levels, the oldest first: 10,000 at most, and 8 Mi characters; a line has its first 64 Ki characters. */
    get logLines(): readonly LogEntry[];
    /** Writes a line to the log. */
    log(level: LogLevel$1, message: string): void;
    /**
     * Says that these flows were changed, after that was done: outputs show those that run anew, and addons have the hook `update`. Commands that
     * change flows call it.
     */
    update(flows: readonly AnyFlow[]): void;
    /** Closes the listeners, ends the connections, and lets the outputs write what they have buffered. */
    close(): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
    shown(flow: AnyFlow): AnyFlow;
}

/** A server's leg, with the client that it is for. */
interface ServerHook {
    readonly client: ClientConnection;
    readonly server: ServerConnection;
}
/** A client's TLS handshake of which only the ClientHello has come, and nothing has been answered yet. */
interface ClientHelloHook {
    readonly client: ClientConnection;
    readonly server: ServerConnection | undefined;
    /** An addon that sets this to true lets the connection pass as it is, without interception. */
    ignore: boolean;
}
/** A TLS handshake, of the client's leg or the server's, that has succeeded or failed. */
interface TlsHook {
    readonly client: ClientConnection;
    readonly server: ServerConnection | undefined;
    /** Why the handshake has failed, in the `tls_failed_` hooks. */
    readonly error?: string | undefined;
}
/** A certificate with its private key, as PEM. */
interface CertificateAndKey {
    /** The certificate, and behind it those above it. */
    readonly cert: string;
    /** Without a passphrase. */
    readonly key: string;
}
/** A version of TLS in the words of the options. */
type TlsVersion = 'UNBOUNDED' | 'TLS1' | 'TLS1_1' | 'TLS1_2' | 'TLS1_3';
/**
 * How midwire is about to do TLS with a client. The fields have what the options say, and an addon may change them. A value that OpenSSL
 * refuses fails the handshake with a sentence.
 */
interface TlsStartClientHook {
    readonly client: ClientConnection;
    readonly server: ServerConnection | undefined;
    /** The certificate to show, in place of one of midwire's or of option `certs`. Undefined for those. */
    certificate: CertificateAndKey | undefined;
    /**
     * A context of `tls.createSecureContext`, which is used as it is: certificate, versions and ciphers of this hook are not. Give it a
     * `sessionIdContext` where clients are asked for certificates: without one OpenSSL refuses to resume their sessions.
     */
    context: SecureContext | undefined;
    /** The one protocol to agree on, which should be one that the client offers; undefined for none. */
    alpn: string | undefined;
    minVersion: TlsVersion;
    maxVersion: TlsVersion;
    /** OpenSSL's list; undefined for midwire's own. */
    ciphers: string | undefined;
    /** The client is asked for a certificate (`client.tls.certificates`), which is not verified. */
    requestCertificate: boolean;
}
/**
 * How midwire is about to do TLS with a server. The hook runs once for each server that a client connection wants, before the
 * connection is looked for among idle ones: connections with other settings never stand in for each other.
 */
interface TlsStartServerHook {
    readonly client: ClientConnection;
    /** Where the connection goes. */
    readonly host: string;
    readonly port: number;
    /** The connection to the server where it is open already; undefined where it is still to be opened. */
    readonly server: ServerConnection | undefined;
    /** The name in the ClientHello, for which the server's certificate has to be; undefined for none: the host is verified then. */
    sni: string | undefined;
    /** The protocols to offer. */
    alpn: readonly string[];
    /** The certificate for a server that asks for one, in place of that of option `client_certs`. Undefined for that. */
    certificate: CertificateAndKey | undefined;
    minVersion: TlsVersion;
    maxVersion: TlsVersion;
    /** OpenSSL's list; undefined for its own. */
    ciphers: string | undefined;
    /** False: the server's certificate is not verified. */
    verify: boolean;
}
/** The user name and the password that a SOCKS5 client has sent (RFC 1929). */
interface Socks5AuthHook {
    readonly client: ClientConnection;
    readonly username: string;
    readonly password: string;
    /** Set to true: the client is let in. */
    valid: boolean;
}
/** A message within a body, with the flow that it belongs to. */
interface HttpMessageHook {
    readonly flow: HttpFlow;
    /** Its `content` may be changed, and `message.drop()` keeps it back. */
    readonly message: StreamMessage;
}
/** The options from now on. */
interface ConfigureHook {
    /** All options, with those that addons and scripts have defined: `options.flow_detail`, `options.my_header`. */
    readonly options: OptionSnapshot;
    /** The names of the options that have changed; all names in the first call of an addon's `configure`. */
    readonly changed: ReadonlySet<string>;
}
/**
 * What a connection may go on as. `tls`: TLS to decrypt; `http1`, `http2`, `dns`: these protocols; `raw`: bytes or datagrams of a
 * protocol that is not read; `ignore`: the same, without hooks and flow; `refuse`: the datagrams are dropped. A client of an explicit
 * proxy that has not named its destination speaks `http-proxy`, `socks` or `tls`.
 */
type ProtocolName = 'tls' | 'http1' | 'http2' | 'http-proxy' | 'socks' | 'dns' | 'raw' | 'ignore' | 'refuse';
/** A connection, or what is inside its TLS or tunnel, whose protocol is about to be decided by its first bytes. */
interface NextLayerHook {
    readonly client: ClientConnection;
    /** The connection to the server where it is open already. */
    readonly server: ServerConnection | undefined;
    /** Where the client wants to go; undefined where it has not said so yet, as with an explicit proxy. */
    readonly destination: {
        readonly host: string;
        readonly port: number;
    } | undefined;
    /** What the client has sent so far: all bytes of TCP, the first datagram of UDP. It may be empty. */
    readonly clientData: Buffer;
    /** What the server has sent so far, before it got anything from the client. */
    readonly serverData: Buffer;
    /** The bytes are plaintext from inside TLS. */
    readonly decrypted: boolean;
    /** What midwire has decided; undefined where it waits for more bytes. Set it to decide otherwise, or sooner. */
    protocol: ProtocolName | undefined;
}
/** The names of the hooks are mitmproxy's. Where no comment says more, a hook may change its argument. */
interface Hooks {
    /**
     * The addon was added, before `configure`: once, with the proxy that runs or is about to listen. A hook that throws refuses the addon,
     * and a start fails. A promise that the hook returns is not waited for.
     */
    load: Midwire;
    /**
     * Options have changed. The hook is also called once when the addon is added, before midwire listens. A hook that throws refuses the
     * values: an update then changes nothing, and a start fails. A promise that the hook returns is not waited for.
     */
    configure: ConfigureHook;
    /** All listeners are bound. */
    running: undefined;
    /** The proxy is closing. */
    done: undefined;
    /** A command, or a program by `proxy.update`, has changed these flows. They may be running or over. */
    update: readonly AnyFlow[];
    /** A line of the log. What the hook logs itself before it returns is no line for the hook, nor is its own failure. */
    add_log: LogEntry;
    client_connected: ClientConnection;
    client_disconnected: ClientConnection;
    /** midwire is about to connect to a server. */
    server_connect: ServerHook;
    server_connected: ServerHook;
    server_connect_error: ServerHook;
    server_disconnected: ServerHook;
    /**
     * The first bytes of a connection are there; the hook runs again when more come, until the protocol is decided. Setting `protocol`
     * decides. What cannot be, such as TLS over UDP, is logged and has no effect.
     */
    next_layer: NextLayerHook;
    tls_clienthello: ClientHelloHook;
    /** Just before the handshake with a client. */
    tls_start_client: TlsStartClientHook;
    /** Before TLS with a server. */
    tls_start_server: TlsStartServerHook;
    tls_established_client: TlsHook;
    tls_established_server: TlsHook;
    tls_failed_client: TlsHook;
    tls_failed_server: TlsHook;
    /**
     * The head of a request; its body has not been read. Setting `flow.response` answers the request, and no server is asked. Setting
     * `flow.request.content` sends that in the place of the body, which is dropped as it comes.
     */
    requestheaders: HttpFlow;
    /**
     * The whole request. Setting `flow.response` answers the request, and no server is asked; not where the body was streamed
     * (`flow.request.stream`, `stream_large_bodies`): the hook then runs when the server has all of it.
     */
    request: HttpFlow;
    /**
     * The head of a response; its body has not been read. Setting `flow.response`, or its `content`, sends that in its place, and the
     * server's connection is closed where a body was still to come.
     */
    responseheaders: HttpFlow;
    /**
     * A message within a body that passes, as soon as it has come: an event of `text/event-stream`, a gRPC message, a JSON text of
     * `application/x-ndjson`, `application/jsonl` or `application/json-seq`. It may be changed or dropped, and goes on when the hook is over;
     * what is not changed goes on byte for byte. An event or line of more than 1 MiB, a gRPC message of more than 4 MiB, and a body in a
     * content coding pass without the hook.
     */
    http_message: HttpMessageHook;
    /**
     * The whole response; the last hook of the flow, but for a WebSocket's. What fails after it, such as a client that is gone, is in
     * `flow.error`, and `error` does not run.
     */
    response: HttpFlow;
    /** The flow has failed or was killed before `response`; its last hook, in the place of that. A WebSocket that has begun ends with `websocket_end`. */
    error: HttpFlow;
    /** A CONNECT request. Setting `flow.response` to a response other than 2xx refuses it. */
    http_connect: HttpFlow;
    /** A CONNECT that midwire is about to send to a proxy on the way (`via`): its fields may be changed. */
    http_connect_upstream: HttpFlow;
    /** The way that a client's CONNECT asks for is open, and the client is about to be told so with a 200. */
    http_connected: HttpFlow;
    /** A client's CONNECT has failed or was refused; `flow.response` or `flow.error` says how. */
    http_connect_error: HttpFlow;
    /**
     * A SOCKS5 client has sent a user name and a password: set `valid`. While an addon has this hook, clients have to send them. An addon that
     * fails has not said that they are valid.
     */
    socks5_auth: Socks5AuthHook;
    /** A WebSocket has begun, after the hook `response` of its 101: `flow.websocket` is there from now on. */
    websocket_start: HttpFlow;
    /**
     * A whole message: `flow.websocket.last`. Its `content` or `text` may be set, and `drop()` does not send it on. While no addon has this
     * hook, messages pass frame by frame as they come.
     */
    websocket_message: HttpFlow;
    /** The WebSocket is over, with `flow.error` where it has failed; the last hook of such a flow: `error` does not run. */
    websocket_end: HttpFlow;
    tcp_start: TcpFlow;
    /** `flow.last` is the message. */
    tcp_message: TcpFlow;
    tcp_end: TcpFlow;
    tcp_error: TcpFlow;
    udp_start: UdpFlow;
    udp_message: UdpFlow;
    udp_end: UdpFlow;
    udp_error: UdpFlow;
    /** Setting `flow.response` answers the query, and no server is asked. */
    dns_request: DnsFlow;
    dns_response: DnsFlow;
    dns_error: DnsFlow;
}
type HookName = keyof Hooks;
/** The names of all hooks. */
declare const HOOK_NAMES: readonly HookName[];
type HookMethods = {
    [Name in HookName]?: Hooks[Name] extends undefined ? () => void | Promise<void> : (subject: Hooks[Name]) => void | Promise<void>;
};
/** An object with hooks as methods. Addons run in the order in which they were given, and asynchronous hooks are waited for. */
interface Addon extends HookMethods {
    /** The name that errors of the addon are shown with. */
    readonly name?: string;
    /**
     * Options of the addon's own: `{ my_header: { type: 'string', default: 'X-Debug', help: 'the header that is added' } }`. They are
     * defined while the addon is loaded. Users give them like midwire's own (`--set my_header=X-Test`, config.yaml, `Midwire.start`), and
     * the addon reads them in its hook `configure`.
     */
    readonly options?: OptionDefinitions;
    /**
     * What a script keeps when its file changes and it is loaded anew: `export const state = { seen: 0 }`. The new script's state gets the
     * values of the old one, for the names that both have, before its hooks run.
     */
    readonly state?: Record<string, unknown>;
    /** Commands of the addon's own, by their names: `{ 'my.count': command({ help: 'count flows', arguments: [], run: () => count }) }`. */
    readonly commands?: CommandDefinitions;
    /** Views of the addon's own, which show content of a kind that it knows: `midwire help views`, `dumper_default_contentview`. */
    readonly views?: readonly View[];
}
type LogLevel$1 = 'error' | 'warn' | 'info' | 'debug';
/** A line of the log. */
interface LogEntry {
    readonly level: LogLevel$1;
    readonly message: string;
    /** Milliseconds since the epoch. */
    readonly timestamp: number;
}

/** Why midwire does not have an option of mitmproxy's; undefined for any other name. */
declare const foreignOption: (name: string) => string | undefined;
/** The error for an unknown name: for an option of mitmproxy's the reason that midwire lacks it, else the nearest known name. */
declare function unknownOption(name: string, known?: Iterable<string>): MidwireError;

/** The absolute path of a conf dir: the one given, else MIDWIRE_CONFDIR, else `~/.midwire`. */
declare function confdirOf(given?: string): string;

/** All options, with the default of each that is not given. Throws ERR_OPTION, which names the option and its possible values. */
declare function readOptions(given?: GivenOptions): Options;
/**
 * The value of one of midwire's own options: from a text as `--set name=text` has it, or from a value of its own type.
 * Undefined, null and the empty text mean the default; `toggle`, for a boolean, means the opposite of `before`, or of the default.
 * `label` is the option's name in an error. Throws ERR_OPTION.
 */
declare function parseOption(name: string, value: unknown, label?: string, before?: unknown): Options[OptionName];

/** The options of a proxy that its WireGuard clients depend on. */
type PeerOptionsOf = Pick<MidwireOptions, 'modes' | 'confdir' | 'options'>;
/**
 * The clients of all WireGuard modes that a proxy with these options has. Missing key files are made. Throws
 * ERR_WIREGUARD_CONF, ERR_OPTION, ERR_MODE, ERR_CONFDIR.
 */
declare function wireGuardPeers(given?: PeerOptionsOf): Promise<PeerInfo[]>;
/**
 * Adds a client: with a new key pair, or with `publicKey` for a client that keeps its private key to itself. A running proxy lets
 * the client in within a second. Throws the errors of wireGuardPeers, ERR_WIREGUARD_CONF also for a name or key that is taken, and
 * ERR_ARGUMENT where the modes have several key files.
 */
declare function addWireGuardPeer(name: string, given?: PeerOptionsOf & {
    publicKey?: string | undefined;
}): Promise<PeerInfo>;
/**
 * Removes a client and its keys. A running proxy shuts the client out within a second. Throws ERR_WIREGUARD_CONF for an unknown
 * name, and ERR_ARGUMENT where the modes have several key files.
 */
declare function removeWireGuardPeer(name: string, given?: PeerOptionsOf): Promise<void>;

/**
 * Finds the files that midwires which were killed have left in the conf dir and beside the WireGuard key files, and removes them unless
 * `dryRun` is true. Files of a midwire that runs stay. Gives their paths. Throws ERR_OPTION, ERR_MODE.
 */
declare function removeLeftOvers(given?: PeerOptionsOf & {
    dryRun?: boolean;
}): Promise<string[]>;

interface ModeInfo {
    readonly name: string;
    /** One line, for people. */
    readonly description: string;
    readonly defaultPort: number;
    /** Those that a spec of the mode may listen on. */
    readonly transports: readonly ('tcp' | 'udp')[];
    /** The data that may stand after the colon of the mode's spec; undefined for a mode that takes nothing there. */
    readonly data: {
        readonly placeholder: string;
        readonly help: string;
    } | undefined;
}
/** Every mode that midwire has. */
declare function modeInfos(): ModeInfo[];

/** midwire's own commands and those of these scripts, for lists of commands. None of them can be called. Throws ERR_SCRIPT and ERR_COMMAND. */
declare function commandInfos(scripts?: readonly string[]): Promise<CommandInfo[]>;

/** Where text goes: `process.stdout`, any Writable, or a test. */
interface TextOutput {
    write(text: string): unknown;
    /** Bytes that were written here and have not left the process yet. */
    readonly writableLength?: number;
    /** The width of a terminal in characters; undefined for a file or a pipe. */
    readonly columns?: number | undefined;
}

/** Where the proxy listens and which peers it has, once it is ready; `spec` is the mode's, as the user gave it. */
interface ReadyFacts {
    readonly listeners: readonly {
        readonly spec: string;
        readonly mode: string;
        readonly host: string;
        readonly port: number;
        readonly transport: 'tcp' | 'udp';
    }[];
    readonly peers: readonly {
        readonly name: string;
        readonly publicKey: string;
        readonly addresses: readonly string[];
    }[];
}
interface JsonSink extends Sink {
    /** Writes the first line, `{"event":"ready",...}`. Flows that ended before it come after it. */
    ready(facts: ReadyFacts): void;
}
declare const NAMES$1: readonly ["dumper_filter", "showhost", "json_progress", "json_bodies"];
type ShownOptions$1 = Pick<Options, (typeof NAMES$1)[number]>;
/**
 * Writes each flow that matches `dumper_filter` once it is over, with what was recorded of its bodies only where `json_bodies` (default: off)
 * is set; with `json_progress` (default: off) also when it begins and when it changes. Without `showhost` (default: on) URLs have the address of the
 * server in place of the host that the client has named. Throws ERR_FILTER.
 */
declare function jsonSink(output: TextOutput, options?: Partial<ShownOptions$1>): JsonSink;
/** A flow as the line that `jsonSink` writes when it is over. */
declare const flowLine: (flow: AnyFlow, options?: Partial<ShownOptions$1>) => string;

interface LogOptions extends Partial<Pick<Options, 'termlog_verbosity'>> {
    /** Whether levels have colours. Default: false. */
    color?: boolean;
}
/** Writes lines of the log, those up to the level `termlog_verbosity`. */
declare function logSink(output: TextOutput, { termlog_verbosity, color }?: LogOptions): Sink;

declare const NAMES: readonly ["flow_detail", "showhost", "content_view_lines_cutoff", "dumper_filter", "dumper_default_contentview"];
type ShownOptions = Pick<Options, (typeof NAMES)[number]>;
interface TerminalOptions extends Partial<ShownOptions> {
    /** Whether the lines have colours. Default: false. */
    color?: boolean;
}
/**
 * Shows each flow that matches `dumper_filter`, once it is over; one that runs for more than 5 s also then; and from flow_detail 2 on each
 * message of WebSocket, events, gRPC and JSON lines as it comes. Throws ERR_FILTER.
 */
declare function terminalSink(output: TextOutput, options?: TerminalOptions): Sink;
/** A flow as `terminalSink` shows it, with its newlines. Without `columns`, the width of the terminal in characters, nothing is cut off. */
declare function flowText(flow: AnyFlow, options?: TerminalOptions & {
    columns?: number | undefined;
}): string;

/**
 * The flows in a file, one after the other; `-` is stdin. What the file is, its first bytes say: a flow file of mitmproxy 9 to 12, or a
 * HAR, each also compressed by gzip or zlib. Throws ERR_FLOW_FILE for a file that cannot be read or is broken, after the flows before the
 * fault. `seen` is called with the number of bytes of the file that have been read so far.
 */
declare function readFlowFile(path: string, seen?: (bytes: number) => void): AsyncGenerator<FlowRecord, void, undefined>;

interface ClientConfigOptions {
    /** The client's private key (base64), which the server does not know. */
    privateKey: string;
    /** Where the client finds the server: `host` or `host:port`, IPv6 in brackets. Default: this machine's best address and the server's port. */
    endpoint?: string;
    /** The client's name servers. Default: the tunnel's own addresses. Empty: the configuration names none. */
    dns?: string[];
    /** The destinations that the client sends through the tunnel. Default: all, `0.0.0.0/0` and `::/0`. */
    allowedIps?: string[];
}

/** The part of the addon that the bridge needs. */
interface Exchange {
    exchange(commands: Uint8Array, length: number, slab: Uint8Array): number;
}
/** Takes the addon's events. */
interface BridgeEvents {
    /**
     * An event whose payload is the `length` bytes of `slab` from `start` on, which are valid only during the call; `words` is the same slab in words
     * of four bytes.
     */
    record(kind: number, id: number, slab: Buffer, words: Uint32Array, start: number, length: number): void;
    died(reason: string): void;
    stopped(): void;
}
declare class Bridge {
    #private;
    constructor(native: Exchange, events: BridgeEvents);
    /** A command without payload. */
    command(kind: number, id: number): void;
    /** A command with one number. */
    number(kind: number, id: number, value: number): void;
    /** A command whose payload is `bytes`, at most MAX_CHUNK. */
    bytes(kind: number, id: number, bytes: Uint8Array): void;
    /** A command that sends a datagram or an ICMP message. Throws ERR_ARGUMENT where `data` is no Uint8Array, or too long. */
    message(kind: number, header: Buffer, data: Uint8Array): void;
    /** Performs the commands that wait, before a call that is none of them. */
    perform(): void;
    /** Called by the addon when it has events (its doorbell): exchanges commands and events until there are none of either. */
    readonly ring: () => void;
    /** Exchanges commands and events until there are none of either, or this turn of the event loop has had enough of them. */
    drain(): void;
}

/** What a message needs of its server. */
interface MessageOwner {
    readonly bridge: Bridge;
    peer(header: Buffer): Peer;
}
/** The common part of datagrams and ICMP messages: bytes from one address to another. */
declare class Message {
    protected readonly owner: MessageOwner;
    protected readonly header: Buffer;
    /** The payload; an ICMP message begins with its type byte. */
    readonly data: Buffer;
    get source(): Address;
    get destination(): Address;
    /** The WireGuard peer that has sent the message. */
    get peer(): Peer;
}
/** A UDP datagram from a peer to any address. */
declare class Datagram extends Message {
    /** The number of the flow: the same for all datagrams between two ends, until none has passed either way for 60 s. */
    readonly flow: number;
    /**
     * Sends an answer, from the destination of this datagram to its source. Up to 65,507 bytes (IPv6: 65,487), beyond the MTU in
     * fragments. Throws ERR_ARGUMENT for more.
     */
    reply(data: Uint8Array): void;
    /** Refuses the datagram: the peer gets an ICMP port unreachable (RFC 1122, 4.1.3.1). */
    refuse(): void;
}
/** An ICMP or ICMPv6 message from a peer to an address that is not the tunnel's own. */
declare class IcmpMessage extends Message {
    /** The type of RFC 792 or RFC 4443: 8 and 128 are echo requests. */
    get type(): number;
    get code(): number;
    /** Sends an ICMP message, from its type byte on, from the destination of this one to its source. The checksum is filled in. */
    reply(message: Uint8Array): void;
}

/**
 * The firewall mark of the packets that midwire sends itself while it is a transparent proxy. Rules that redirect packets leave those
 * with this mark alone; else midwire's own connections would come back to it.
 */
declare const TRANSPARENT_MARK = 28023;

/** A new private key: 44 characters of base64, as `wg genkey` makes them. */
declare function generatePrivateKey(): string;
/** The public key of a private one, as `wg pubkey` makes it. Throws ERR_KEY. */
declare function publicKey(privateKey: string): string;

type Callback = (error?: Error | null) => void;
/**
 * A TCP connection through the tunnel: a Duplex of bytes.
 *
 * As with net.Socket, `end()` sends the written data and then FIN, `destroy()` sends FIN and answers data that still comes with RST,
 * `destroy(error)` and `resetAndDestroy()` send RST. Errors have the codes ECONNRESET, ETIMEDOUT, ECONNREFUSED, EHOSTUNREACH,
 * ENETUNREACH, ECONNABORTED and EPIPE. Unless the server has `allowHalfOpen`, the stream ends its own side when the peer has ended its
 * side.
 */
declare class WireGuardStream extends Duplex {
    #private;
    /** Bytes that were received from the peer. */
    bytesRead: number;
    /** Bytes that were given to the connection, sent or not. */
    bytesWritten: number;
    /** The end that has opened the connection. */
    get source(): Address;
    /** The end that was connected to: any address, not only the tunnel's own. */
    get destination(): Address;
    /** The WireGuard peer at the other end of the tunnel. */
    get peer(): Peer;
    /** True until the handshake of a connection of `connect()` is over. */
    get connecting(): boolean;
    /** Milliseconds without data after which 'timeout' is emitted; 0 for never. */
    get timeout(): number;
    /** Makes the stream emit 'timeout', and do nothing else, after so many milliseconds without data either way. 0 turns that off. */
    setTimeout(milliseconds: number, listener?: () => void): this;
    /** Sends RST and destroys the stream. */
    resetAndDestroy(): this;
    _read(): void;
    _write(chunk: Buffer, _encoding: BufferEncoding, done: Callback): void;
    _writev(chunks: {
        chunk: Buffer;
    }[], done: Callback): void;
    _final(done: Callback): void;
    _destroy(error: Error | null, done: Callback): void;
}

/**
 * A peer's request for a TCP connection. The SYN is not answered until one of the methods is called; the first call counts. Where none
 * is called, the peer gets no answer, as from a host that is down, and the request is over after 30 s.
 */
declare class ConnectionRequest {
    #private;
    get source(): Address;
    get destination(): Address;
    get peer(): Peer;
    /**
     * Answers the SYN. The stream may be written to at once; `onConnection` is not called for it. Where the peer has given up
     * meanwhile, the stream fails like one that was reset. Throws ERR_ARGUMENT where the request was answered before.
     */
    accept(): WireGuardStream;
    /** Sends RST, as for a closed port: the peer sees ECONNREFUSED. */
    refuse(): void;
    /** Sends an ICMP destination unreachable: the peer sees ENETUNREACH or EHOSTUNREACH. */
    unreachable(what: 'network' | 'host' | 'prohibited'): void;
    /** Sends no answer at all: the peer tries again, and times out. */
    ignore(): void;
}

/** A WireGuard peer. */
interface PeerOptions {
    /** Base64, 44 characters. */
    publicKey: string;
    /** A further secret that both ends share: 32 bytes in base64. */
    presharedKey?: string;
    /** The peer's addresses or ranges inside the tunnel. Default: the next free pair of 10.0.0.N/32 and fd6d:6964:7769:7265::N/128. */
    allowedIps?: string[];
    /** Seconds between keepalives, 1 to 65535. Default: 0, none. */
    keepalive?: number;
    /** `address:port` (IPv6 in brackets) of a peer that this side sends the first handshake to, as its client. */
    endpoint?: string;
    /** Any name, for logs and flows. */
    name?: string;
}
type CongestionControl = 'bbr' | 'cubic';
type LogLevel = 'off' | 'error' | 'warn' | 'info' | 'debug' | 'trace';
/** A line of the addon's log. */
interface LogLine {
    level: Exclude<LogLevel, 'off'>;
    target: string;
    message: string;
}
interface WireGuardServerOptions {
    /** One IPv4 and/or one IPv6 address to listen on. Default: `0.0.0.0` and `::`, as far as the machine has the family. */
    host?: string | string[];
    /** UDP port. Default 51820; 0 takes a free one, the same for both families. */
    port?: number;
    /** The server's private key in base64, 44 characters. */
    privateKey: string;
    peers?: PeerOptions[];
    /** The tunnel's own addresses: echo requests to them are answered, `connect` starts from them. Default 10.0.0.53 and fd6d:6964:7769:7265::53. */
    addresses?: string[];
    /**
     * The longest IP packet that is sent into the tunnel, in bytes, 576 to 9000. Default 1420; IPv6 needs 1280. A peer whose SYNs and
     * fragments show that it takes less is sent less. Set `mtu` where the path is known to be narrower: `clientConfig` then has it, too.
     */
    mtu?: number;
    /**
     * Bytes that each of the two buffers of a TCP connection may grow to, if its path needs that: 64 KiB to 16 MiB. Only queued data takes
     * memory. Default 6 MiB, as in Linux.
     */
    bufferSize?: number;
    /**
     * Bytes that the buffers of all TCP connections together may hold, 1 MiB or more. From half of that on windows shrink; beyond all of it
     * a connection that holds 64 KiB already drops received data, which its peer sends again. Default 256 MiB.
     */
    bufferMemory?: number;
    /**
     * How TCP finds its rate: `bbr` (version 1) measures it, so that a loss costs no more than the segment; `cubic` (RFC 9438), which most
     * systems use, slows down at every loss, and makes room for other traffic sooner. Default `bbr`: without loss the two are equal, and
     * where 1 % of the packets are lost `bbr` moves fifty times as much.
     */
    congestion?: CongestionControl;
    /** As in net.createServer: unless true, a stream ends its own side once the peer has ended its side. Default: false. */
    allowHalfOpen?: boolean;
    /** Called when a peer wants a TCP connection; the SYN waits for the request's answer. Without this callback every connection is accepted. */
    onRequest?(request: ConnectionRequest): void;
    /** Called with each open TCP connection, but not for those that `onRequest` was called for. */
    onConnection?(stream: WireGuardStream): void;
    /** Called with each UDP datagram. Without this callback every datagram is refused (port unreachable). */
    onDatagram?(datagram: Datagram): void;
    /** Called with the number of a flow that has ended, because no datagram has passed for 60 s. */
    onDatagramFlowEnd?(flow: number): void;
    /** Called with each ICMP message to an address that is not the tunnel's own. Without this callback they are dropped and counted. */
    onIcmp?(message: IcmpMessage): void;
    /** Called when the server itself has failed (ERR_NATIVE_PANIC). It is closed then, and `closed` rejects. */
    onError?(error: MidwireError): void;
    onLog?(line: LogLine): void;
    /** Default 'off', or 'warn' with `onLog`. */
    logLevel?: LogLevel;
    /** The firewall mark of the server's own packets, as wg-quick's FwMark. Linux, and root or CAP_NET_ADMIN. Default: none. */
    mark?: number;
}

/** A peer as the server sees it now. */
interface PeerStatus extends Peer {
    /** The source of the peer's last authenticated message, else the configured endpoint. */
    readonly endpoint: string | undefined;
    /** Seconds since the current session's handshake. */
    readonly handshakeAge: number | undefined;
    /** Bytes of IP packets from the peer. */
    readonly receivedBytes: number;
    /** Bytes of IP packets to the peer. */
    readonly sentBytes: number;
    /** The number of messages and packets of this peer that were dropped: replays, wrong inner sources, lost sessions. */
    readonly dropped: number;
    readonly allowedIps: string[];
}

/** One end of a datagram, as the program gives it. */
interface AddressLike {
    address: string;
    port: number;
}
/**
 * Starts a WireGuard server, without root, TUN device or kernel module. The server listens when the promise is fulfilled.
 *
 * Rejects with a MidwireError: ERR_KEY, ERR_ADDRESS, ERR_PORT, ERR_ARGUMENT, ERR_PEER_DUPLICATE and ERR_PEER_ADDRESSES before a socket
 * is opened; then ERR_ADDRESS_IN_USE, ERR_ADDRESS_NOT_AVAILABLE, ERR_PERMISSION, ERR_NATIVE_MISSING.
 */
declare function startWireGuardServer(options: WireGuardServerOptions): Promise<WireGuardServer>;
declare class WireGuardServer {
    #private;
    /** The server's public key, base64. */
    readonly publicKey: string;
    /** The tunnel's own addresses. */
    readonly addresses: readonly string[];
    /** Fulfilled when the server is closed, rejected (ERR_NATIVE_PANIC) when it has failed. */
    readonly closed: Promise<void>;
    /** The UDP port that the server listens on. */
    get port(): number;
    /** The number of open TCP streams. */
    get connections(): number;
    /** Adds a peer while the server runs. Throws ERR_KEY, ERR_ARGUMENT, ERR_PEER_DUPLICATE, ERR_PEER_ADDRESSES. */
    addPeer(peer: PeerOptions): void;
    /** Removes a peer; its streams fail with ECONNABORTED. False when there is no such peer. */
    removePeer(publicKey: string): boolean;
    /** All peers, in the order in which they were added. */
    peers(): PeerStatus[];
    /** Counters since the start, by name: packets, drops of each kind, errors. For people and tests; names may change. */
    counters(): Record<string, number>;
    /**
     * Opens a TCP connection to an address within a peer's allowedIps. The stream emits 'connect', or 'error'. `source` is the address that
     * the connection comes from, by default the first of `addresses` in that family. Throws ERR_ADDRESS, ERR_PORT, ERR_NO_ROUTE,
     * ERR_EXHAUSTED, ERR_SERVER_CLOSED.
     */
    connect(to: {
        host: string;
        port: number;
        source?: string;
    }): WireGuardStream;
    /**
     * Sends a UDP datagram from any address to an address of a peer. Up to 65,507 bytes (IPv6: 65,487), beyond the MTU in fragments.
     * Throws ERR_ADDRESS, ERR_PORT, ERR_ARGUMENT, ERR_SERVER_CLOSED.
     */
    sendDatagram(data: Uint8Array, source: AddressLike, destination: AddressLike): void;
    /**
     * Sends an ICMP message, from its type byte on, from any address to an address of a peer. The checksum is filled in. Throws ERR_ADDRESS,
     * ERR_ARGUMENT, ERR_SERVER_CLOSED.
     */
    sendIcmp(message: Uint8Array, source: string, destination: string): void;
    /**
     * A client's configuration, for wg-quick, the WireGuard apps, or a QR code. It names an MTU only if the server's options do. Throws
     * ERR_KEY, ERR_ARGUMENT.
     */
    clientConfig(options: ClientConfigOptions): string;
    /** Resets and destroys every open stream, and frees the port. Fulfilled when the server has ended. */
    close(): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
}

export { CERTIFICATE_STEPS, Commands, ConnectionRequest, DNS_CLASS, DNS_OPCODE, DNS_RCODE, DNS_TYPE, Datagram, DnsFlow, EXPORT_FORMATS, FILTER_HELP, Fixture, Flow, HOOK_NAMES, HttpFlow, HttpHeaders, HttpRequest, HttpResponse, IcmpMessage, Jobs, Midwire, MidwireError, Mock, OPTIONS, Page, ProxyOptions, RECORD_VERSION, ROW_SORTS, RecordedBody, StoreReader, StreamMessage, StreamMessages, TRANSPARENT_MARK, TcpFlow, UdpFlow, Views, WebSocketData, WebSocketMessage, WireGuardServer, WireGuardStream, aRecord, aaaaRecord, addWireGuardPeer, cnameRecord, command, commandInfos, confdirOf, dnsReply, exportFlow, flowLine, flowText, foreignOption, generatePrivateKey, jsonSink, loadAuthority, logSink, messageText, modeInfos, nearest, openStore, optionDefinitions, parseFilter, parseOption, publicKey, readCertificates, readFlowFile, readOptions, recordText, removeLeftOvers, removeWireGuardPeer, renderView, renderedText, revive, snapshot, startWireGuardServer, terminalSink, unknownOption, usageOf, viewNames, wireGuardPeers, writeMitmproxyFlow };
export type { Addon, Address, AddressLike, AnyFlow, ArgumentType, ArgumentValues, Authority, BodyFunction, BodyRecord, BodySource, BodyStream, BodyTransform, CertificateAndKey, CertificateInfo, CertificateSteps, ClientConfigOptions, ClientConnection, ClientHelloHook, ClientProcess, ClientTrust, CommandArgument, CommandDefinition, CommandDefinitions, CommandInfo, ConfigureHook, CongestionControl, Connection, Credentials, DnsFlowRecord, DnsMessage, DnsQuestion, DnsRecord, DumpOptions, ErrorCode, ExportFormat, ExportOptions, FetchDispatcher, FieldsRecord, FilterOptions, FlowError, FlowFilter, FlowList, FlowListChanges, FlowListQuery, FlowMatch, FlowQuery, FlowRecord, FlowRow, FlowSort, FlowTypes, Flows, FlowsQuery, GivenOptions, GivenValue, HookName, Hooks, Hop, Http2Introduction, HttpHeadersInit, HttpMessageHook, HttpRecord, HttpResponseParts, HttpVersion, InterceptOptions, Interception, JsonSink, KillWay, ListenerInfo, LogEntry, LogLevel$1 as LogLevel, LogLine, LogOptions, MidwireOptions, MockAnswer, MockBody, MockResponse, ModeInfo, ModeState, Nest, NextLayerHook, OptionDefinition, OptionDefinitions, OptionListener, OptionName, OptionSnapshot, OptionValue, Options, PassedThrough, Passthrough, Peer, PeerInfo, PeerOptions, PeerStatus, PeerTraffic, ProtocolName, ProxyHop, RawMessage, RawRecord, ReadyFacts, RecordedInfo, RenderOptions, Rendered, RequestChanges, RequestMatch, RequestRecord, ResponseChanges, ResponseRecord, RowSort, ServerConnection, ServerHook, Sink, Socks5AuthHook, StepPart, StoredBytes, StreamKind, StreamMessageRecord, StreamMessagesRecord, StreamedBytes, TerminalOptions, TextMatch, TextOutput, ThrottleLimits, TlsHook, TlsStartClientHook, TlsStartServerHook, TlsState, TlsVersion, TunnelHop, View, ViewLine, ViewMetadata, ViewPart, ViewStyle, WaitOptions, WebSocketMessageKind, WebSocketMessageRecord, WebSocketRecord, LogLevel as WireGuardLogLevel, WireGuardServerOptions };

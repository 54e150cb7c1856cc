// The public types of midwire, rolled up from src/index.ts by `npm run types`. Not to be edited.

import { Duplex } from 'node:stream';

/** One end of a TCP connection or a datagram. */
interface Address {
    /** In its shortest form, without brackets. */
    readonly address: string;
    /** 0 for ICMP, which has none. */
    readonly port: number;
    readonly family: 4 | 6;
}
/** A WireGuard peer as its streams and datagrams name it. */
interface Peer {
    /** Base64, 44 characters. */
    readonly publicKey: string;
    /** The name that it was added with. */
    readonly name?: string | undefined;
}

/** What was wrong, where, and what to do. `{}` is filled in by who throws. */
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
    readonly ERR_NATIVE_MISSING: "{}";
    readonly ERR_NATIVE_PANIC: "{}: this is a fault of midwire; please report it with this message";
    readonly ERR_NATIVE: "{}";
    readonly ERR_SERVER_CLOSED: "{}";
    readonly ERR_NO_ROUTE: "{}: add the address to the allowedIps of the peer that leads to it";
    readonly ERR_EXHAUSTED: "{}: close some connections first";
};
type ErrorCode = keyof typeof SENTENCES;
/** The error of everything that midwire refuses or that fails by itself. Streams fail with Node's own codes instead. */
declare class MidwireError extends Error {
    /** Stable from version to version. */
    readonly code: ErrorCode;
    constructor(code: ErrorCode, detail: string, options?: ErrorOptions);
}

interface ClientConfigOptions {
    /** The client's private key (base64), which the server does not know. */
    privateKey: string;
    /** What the client dials: `host`, or `host:port`, IPv6 in brackets. Default: this machine's best address, and the server's port. */
    endpoint?: string;
    /** Name servers. Default: the tunnel's own addresses. Empty: none are written. */
    dns?: string[];
    /** What the client sends through the tunnel. Default: everything, `0.0.0.0/0` and `::/0`. */
    allowedIps?: string[];
}

/** The part of the addon that the bridge needs. */
interface Exchange {
    exchange(commands: Uint8Array, length: number, slab: Uint8Array): number;
}
/** Who takes what rises. Views on the slab are good for the time of the call only. */
interface Risen {
    opened(id: number, header: Buffer): void;
    connected(id: number): void;
    data(id: number, bytes: Buffer): void;
    end(id: number): void;
    reset(id: number, reason: number): void;
    writable(id: number, bytes: number): void;
    closed(id: number): void;
    datagram(flow: number, header: Buffer, data: Buffer): void;
    datagramExpired(flow: number): void;
    icmp(header: Buffer, message: Buffer): void;
    log(level: number, target: string, message: string): void;
    died(reason: string): void;
    stopped(): void;
}
declare class Bridge {
    #private;
    constructor(native: Exchange, risen: Risen);
    /** A command without payload. */
    command(kind: number, id: number): void;
    /** A command with one number. */
    number(kind: number, id: number, value: number): void;
    /** A command whose payload is `bytes`, at most MAX_CHUNK. */
    bytes(kind: number, id: number, bytes: Uint8Array): void;
    /** A datagram or an ICMP message of the user's. Throws ERR_ARGUMENT where it is none, or too long. */
    message(kind: number, header: Buffer, data: Uint8Array): void;
    /** The doorbell: hands down what is wanted and takes up what has happened, until there is neither. */
    readonly ring: () => void;
    /** The same, in what is left of this turn of the event loop. */
    drain(): void;
}

/** What a message needs of the server that it came by. */
interface MessageOwner {
    readonly bridge: Bridge;
    peer(header: Buffer): Peer;
}
/** What both kinds have: bytes from one address to another. */
declare class Message {
    protected readonly owner: MessageOwner;
    protected readonly header: Buffer;
    /** The payload; of an ICMP message from its type byte on. */
    readonly data: Buffer;
    get source(): Address;
    get destination(): Address;
    /** The WireGuard peer that sent it. */
    get peer(): Peer;
}
/** A UDP datagram from a peer to any address. */
declare class Datagram extends Message {
    /** The same number for all datagrams of one pair of ends, until 60 s have passed without one either way. */
    readonly flow: number;
    /** Sends an answer from where this one went to. Up to 65,507 bytes (IPv6: 65,487); over the MTU in fragments. */
    reply(data: Uint8Array): void;
    /** Nobody is there: the peer gets an ICMP port unreachable (RFC 1122, 4.1.3.1). */
    refuse(): void;
}
/** An ICMP or ICMPv6 message from a peer to an address that is not the tunnel's own. */
declare class IcmpMessage extends Message {
    /** RFC 792, RFC 4443: 8 and 128 are echo requests. */
    get type(): number;
    get code(): number;
    /** Sends an ICMP message, from its type byte on, from where this one went to; the checksum is made. */
    reply(message: Uint8Array): void;
}

/** A new private key: 44 characters of base64, as `wg genkey` makes them. */
declare function generatePrivateKey(): string;
/** The public key of a private one, as `wg pubkey` makes it. Throws ERR_KEY. */
declare function publicKey(privateKey: string): string;

type Callback = (error?: Error | null) => void;
/**
 * A TCP connection through the tunnel: a Duplex of bytes.
 *
 * As with net.Socket: `end()` sends FIN after what was written, `destroy()` lets go (FIN; what still arrives is answered
 * by RST), `destroy(error)` and `resetAndDestroy()` send RST. Errors have the codes ECONNRESET, ETIMEDOUT, ECONNREFUSED,
 * EHOSTUNREACH, ECONNABORTED and EPIPE. Unless the server has `allowHalfOpen`, the stream ends its own side when the peer
 * has ended its.
 */
declare class WireGuardStream extends Duplex {
    #private;
    /** Bytes received. */
    bytesRead: number;
    /** Bytes given to the connection. */
    bytesWritten: number;
    /** Who opened the connection. */
    get source(): Address;
    /** Where to. Any address: a tunnel carries packets to everywhere. */
    get destination(): Address;
    /** The WireGuard peer at the other end of the tunnel. */
    get peer(): Peer;
    /** True until the handshake of a connection of our own is over. */
    get connecting(): boolean;
    /** Milliseconds of silence after which 'timeout' is emitted; 0 for never. */
    get timeout(): number;
    /** Emits 'timeout' after so many milliseconds without data either way; nothing else happens then. 0 ends it. */
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
 * A peer wants a TCP connection. Nothing is answered until one of the methods is called; the first call counts.
 * A request that is never answered leaves the peer without an answer, as a host that is down does; after 30 s it is over.
 */
declare class ConnectionRequest {
    #private;
    get source(): Address;
    get destination(): Address;
    get peer(): Peer;
    /**
     * Answers the SYN. The stream may be written to at once; `onConnection` is not called for it. When the peer has given up
     * meanwhile, the stream fails as one that was reset. Throws ERR_ARGUMENT when the request was answered before.
     */
    accept(): WireGuardStream;
    /** The port is closed: RST, which the peer sees as ECONNREFUSED. */
    refuse(): void;
    /** ICMP destination unreachable, which the peer sees as ENETUNREACH or EHOSTUNREACH. */
    unreachable(what: 'network' | 'host' | 'prohibited'): void;
    /** Says nothing at all: the peer tries again, and times out. */
    ignore(): void;
}

/** A WireGuard peer. */
interface PeerOptions {
    /** Base64, 44 characters. */
    publicKey: string;
    /** A further secret that both ends share (base64, 32 bytes). */
    presharedKey?: string;
    /** Inner addresses or ranges that are this peer's. Default: the next free pair of 10.0.0.N/32 and fd6d:6964:7769:7265::N/128. */
    allowedIps?: string[];
    /** Seconds between keepalives, 1 to 65535; 0 or absent: none. */
    keepalive?: number;
    /** `address:port` (IPv6 in brackets) to send the first handshake to: this side is then the client of that peer. */
    endpoint?: string;
    /** Any name, to tell peers apart by. */
    name?: string;
}
type LogLevel = 'off' | 'error' | 'warn' | 'info' | 'debug' | 'trace';
/** A line of the addon's log. */
interface LogLine {
    level: Exclude<LogLevel, 'off'>;
    target: string;
    message: string;
}
interface WireGuardServerOptions {
    /** One IPv4 and/or one IPv6 address to listen on. Default: all addresses of both families (`0.0.0.0` and `::`), as far as there are such. */
    host?: string | string[];
    /** UDP port. Default 51820; 0 takes a free one, the same for both families. */
    port?: number;
    /** Base64. */
    privateKey: string;
    peers?: PeerOptions[];
    /** The tunnel's own addresses: echo requests to them are answered, `connect` starts from them. Default 10.0.0.53 and fd6d:6964:7769:7265::53. */
    addresses?: string[];
    /** Bytes of an IP packet in the tunnel, 576 to 9000. Default 1420. IPv6 needs 1280. */
    mtu?: number;
    /** Bytes of buffer each way a TCP connection, 64 KiB to 4 MiB, a multiple of 64 KiB: the largest window. Memory is used only as far as data fills it. Default 1 MiB. */
    bufferSize?: number;
    /** As in net.createServer: when false (the default), a stream ends its own side once the peer has ended its. */
    allowHalfOpen?: boolean;
    /** A peer wants a TCP connection; no SYN is answered until the request is. Without it every connection is accepted. */
    onRequest?(request: ConnectionRequest): void;
    /** A TCP connection is open. Not called for requests that `onRequest` has accepted. */
    onConnection?(stream: WireGuardStream): void;
    /** A UDP datagram has come. Without it every datagram is refused (port unreachable). */
    onDatagram?(datagram: Datagram): void;
    /** All datagrams of a flow are over: none came for 60 s. */
    onDatagramFlowEnd?(flow: number): void;
    /** An ICMP message to an address that is not the tunnel's own. Without it these are dropped and counted. */
    onIcmp?(message: IcmpMessage): void;
    /** The server itself has failed (ERR_NATIVE_PANIC). It is closed then, and `closed` rejects. */
    onError?(error: MidwireError): void;
    onLog?(line: LogLine): void;
    /** Default 'off', or 'warn' with `onLog`. */
    logLevel?: LogLevel;
}

/** A peer as the server sees it now. */
interface PeerStatus extends Peer {
    /** Where its last authenticated message came from, or the configured endpoint. */
    readonly endpoint: string | undefined;
    /** Seconds since the current session's handshake. */
    readonly handshakeAge: number | undefined;
    /** Bytes of IP packets from the peer. */
    readonly receivedBytes: number;
    /** Bytes of IP packets to the peer. */
    readonly sentBytes: number;
    /** Messages and packets of this peer that were not let through: replays, wrong inner sources, lost sessions. */
    readonly dropped: number;
    readonly allowedIps: string[];
}
/** One end of a connection or datagram, as a caller gives it. */
interface AddressLike {
    address: string;
    port: number;
}
/**
 * Starts a WireGuard server. It listens when the promise is fulfilled; no root, no TUN device, no kernel module.
 *
 * Throws a MidwireError, before anything is opened: ERR_KEY, ERR_ADDRESS, ERR_PORT, ERR_ARGUMENT, ERR_PEER_DUPLICATE,
 * ERR_PEER_ADDRESSES; then ERR_ADDRESS_IN_USE, ERR_ADDRESS_NOT_AVAILABLE, ERR_PERMISSION, ERR_NATIVE_MISSING.
 */
declare function startWireGuardServer(options: WireGuardServerOptions): Promise<WireGuardServer>;
declare class WireGuardServer {
    #private;
    /** The server's own, base64. */
    readonly publicKey: string;
    /** The tunnel's own addresses. */
    readonly addresses: readonly string[];
    /** Fulfilled when the server is closed, rejected (ERR_NATIVE_PANIC) when it has failed. */
    readonly closed: Promise<void>;
    /** The UDP port that the server listens on. */
    get port(): number;
    /** Open TCP streams. */
    get connections(): number;
    /** Adds a peer while the server runs. Throws ERR_KEY, ERR_ARGUMENT, ERR_PEER_DUPLICATE, ERR_PEER_ADDRESSES. */
    addPeer(peer: PeerOptions): void;
    /** Removes a peer; its streams fail with ECONNABORTED. False when there is no such peer. */
    removePeer(publicKey: string): boolean;
    /** All peers, in the order in which they were added. */
    peers(): PeerStatus[];
    /** What was counted since the start, by name: packets, drops of each kind, errors. For people and tests; names may change. */
    counters(): Record<string, number>;
    /**
     * Opens a TCP connection through the tunnel to an address that a peer's allowedIps hold. The stream emits 'connect', or
     * 'error'. `source` is an address of this side's; default: the first of `addresses` of that family.
     */
    connect(to: {
        host: string;
        port: number;
        source?: string;
    }): WireGuardStream;
    /** Sends a UDP datagram from any address to a peer's. Up to 65,507 bytes (IPv6: 65,487); over the MTU in fragments. */
    sendDatagram(data: Uint8Array, source: AddressLike, destination: AddressLike): void;
    /** Sends an ICMP message, from its type byte on, from any address to a peer's. The checksum is made. */
    sendIcmp(message: Uint8Array, source: string, destination: string): void;
    /** The configuration of a client, as wg-quick and the WireGuard apps read it (or as a QR code holds it). */
    clientConfig(options: ClientConfigOptions): string;
    /** Resets and destroys every open stream, frees the port, and is fulfilled when all is gone. */
    close(): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
}

export { ConnectionRequest, Datagram, IcmpMessage, MidwireError, WireGuardServer, WireGuardStream, generatePrivateKey, publicKey, startWireGuardServer };
export type { Address, AddressLike, ClientConfigOptions, ErrorCode, LogLevel, LogLine, Peer, PeerOptions, PeerStatus, WireGuardServerOptions };

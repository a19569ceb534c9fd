import { createConnection, type Socket } from 'node:net';
import { WebSocketClient } from './websocket.ts';

/** Where `devs devtools` lets Jacdac frames in and out over TCP, */
export const HUB_PORT = 8082;
/** and over WebSocket. */
export const HUB_WEBSOCKET_PORT = 8081;
const RETRY_MS = 1000;
const LARGE = 0xff;

export interface HubOptions {
  port: number;
  /** The port takes WebSocket messages, one a frame, rather than plain TCP. */
  webSocket?: boolean;
  onFrame: (frame: Uint8Array) => void;
  onState: (state: 'connected' | 'waiting') => void;
}

/**
 * Connection to the hub of DeviceScript's tools. On TCP each frame follows its length: one byte, or
 * 0xff and two bytes, little-endian. Connects again whenever the hub comes back.
 */
export class HubConnection {
  private socket?: Socket;
  private webSocket?: WebSocketClient;
  private retry?: ReturnType<typeof setTimeout>;
  private closed = false;

  constructor(private readonly options: HubOptions) {
    this.connect();
  }

  send(frame: Uint8Array): void {
    this.webSocket?.sendBinary(frame);
    if (this.socket?.readyState !== 'open') return;
    const long = frame.length >= LARGE;
    const head = long ? [LARGE, frame.length & 255, frame.length >> 8] : [frame.length];
    this.socket.write(Uint8Array.from([...head, ...frame]));
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.retry);
    this.socket?.destroy();
    this.webSocket?.close();
  }

  private connect(): void {
    if (this.options.webSocket === true) this.connectWebSocket();
    else this.connectTcp();
  }

  private connectWebSocket(): void {
    const { port, onState, onFrame } = this.options;
    this.webSocket = new WebSocketClient({
      port,
      onOpen: () => onState('connected'),
      onBinary: onFrame,
      onClose: () => this.again(),
    });
  }

  /** Tries once more after a while. */
  private again(): void {
    if (this.closed) return;
    this.options.onState('waiting');
    this.retry = setTimeout(() => this.connect(), RETRY_MS);
  }

  private connectTcp(): void {
    const { port, onState } = this.options;
    let pending: Buffer = Buffer.alloc(0);
    const socket = createConnection(port, '127.0.0.1', () => onState('connected'));
    socket.setNoDelay();
    socket.on('data', (bytes) => {
      pending = this.takeFrames(Buffer.concat([pending, bytes]));
    });
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => this.again());
    this.socket = socket;
  }

  /** Hands on whole frames and returns what is left. */
  private takeFrames(bytes: Buffer): Buffer {
    let at = 0;
    for (;;) {
      const long = bytes[at] === LARGE;
      const head = long ? 3 : 1;
      if (bytes.length < at + head) break;
      const length = long ? bytes.readUInt16LE(at + 1) : bytes.readUInt8(at);
      if (bytes.length < at + head + length) break;
      this.options.onFrame(Uint8Array.from(bytes.subarray(at + head, at + head + length)));
      at += head + length;
    }
    return bytes.subarray(at);
  }
}

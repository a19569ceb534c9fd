import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Socket } from 'node:net';

export interface WebSocketOptions {
  port: number;
  onOpen?: () => void;
  onBinary?: (data: Uint8Array) => void;
  onText?: (text: string) => void;
  onClose?: () => void;
}

const OPCODE = { more: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const LAST = 0x80;
const MASKED = 0x80;

/**
 * A WebSocket to this computer (RFC 6455, the part that the hub of `devs devtools` needs). Node has
 * one of its own only from version 22 on.
 */
export class WebSocketClient {
  private socket?: Socket;
  private closed = false;
  private pieces: { opcode: number; data: Buffer } = { opcode: 0, data: Buffer.alloc(0) };

  constructor(private readonly options: WebSocketOptions) {
    const key = randomBytes(16).toString('base64');
    const accept = createHash('sha1')
      .update(key + GUID)
      .digest('base64');
    const upgrade = request({
      host: '127.0.0.1',
      port: options.port,
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': key,
      },
    });
    upgrade.on('upgrade', (response, socket: Socket, head) => {
      if (response.headers['sec-websocket-accept'] !== accept) socket.destroy();
      this.open(socket, head);
    });
    upgrade.on('response', (response) => {
      response.resume();
      this.end();
    });
    upgrade.on('error', () => this.end());
    upgrade.end();
  }

  get isOpen(): boolean {
    return this.socket?.readyState === 'open';
  }

  sendBinary(data: Uint8Array): void {
    this.send(OPCODE.binary, data);
  }

  sendText(text: string): void {
    this.send(OPCODE.text, Buffer.from(text));
  }

  close(): void {
    this.closed = true;
    this.socket?.destroy();
  }

  private open(socket: Socket, head: Uint8Array): void {
    this.socket = socket;
    if (this.closed) return void socket.destroy();
    socket.setNoDelay();
    let pending: Buffer = Buffer.from(head);
    socket.on('data', (bytes) => {
      pending = this.takeFrames(Buffer.concat([pending, bytes]));
    });
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => this.end());
    this.options.onOpen?.();
    pending = this.takeFrames(pending);
  }

  private end(): void {
    if (this.closed) return;
    this.closed = true;
    this.options.onClose?.();
  }

  private send(opcode: number, data: Uint8Array): void {
    if (!this.isOpen) return;
    const mask = randomBytes(4);
    const masked = data.map((byte, i) => byte ^ (mask[i % 4] as number));
    this.socket?.write(Buffer.concat([Buffer.from(headOf(opcode, data.length)), mask, masked]));
  }

  /** Hands on whole frames and returns what is left. */
  private takeFrames(bytes: Buffer): Buffer {
    let rest = bytes;
    for (;;) {
      const frame = parseFrame(rest);
      if (frame === undefined) return rest;
      rest = rest.subarray(frame.end);
      this.take(frame);
    }
  }

  private take({ last, opcode, data }: Frame): void {
    if (opcode === OPCODE.ping) return this.send(OPCODE.pong, data);
    if (opcode === OPCODE.close) return void this.socket?.end();
    if (opcode === OPCODE.pong) return;
    if (opcode !== OPCODE.more) this.pieces = { opcode, data };
    else this.pieces.data = Buffer.concat([this.pieces.data, data]);
    if (!last) return;
    if (this.pieces.opcode === OPCODE.binary) {
      this.options.onBinary?.(Uint8Array.from(this.pieces.data));
    } else this.options.onText?.(this.pieces.data.toString('utf8'));
  }
}

interface Frame {
  last: boolean;
  opcode: number;
  data: Buffer;
  /** Bytes that it takes. */
  end: number;
}

function parseFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < 2) return undefined;
  const first = bytes.readUInt8(0);
  const short = bytes.readUInt8(1) & 0x7f;
  const head = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < head) return undefined;
  const length =
    short === 126
      ? bytes.readUInt16BE(2)
      : short === 127
        ? Number(bytes.readBigUInt64BE(2))
        : short;
  const end = head + length;
  if (bytes.length < end) return undefined;
  return { last: (first & LAST) !== 0, opcode: first & 15, data: bytes.subarray(head, end), end };
}

function headOf(opcode: number, length: number): number[] {
  if (length < 126) return [LAST | opcode, MASKED | length];
  if (length > 0xffff) throw new RangeError(`a WebSocket message of ${length} bytes`);
  return [LAST | opcode, MASKED | 126, length >> 8, length & 255];
}

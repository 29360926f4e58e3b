package dev.warren.protocol.testing;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Random;

/**
 * One end of a remotedialer WebSocket over a blocking socket, written by itself and not with the
 * code that it tests: messages are cut into frames of 4 KiB, a client's are masked, a PING is
 * answered where it is met. One thread reads; any may send.
 */
public final class RemoteDialerWire implements Closeable {
  public static final int DATA = 1;
  public static final int CONNECT = 2;
  public static final int ERROR = 3;
  public static final int PAUSE = 6;
  public static final int RESUME = 7;
  public static final int SYNC = 8;

  /** What a stock sender puts into one frame (bytes). */
  public static final int FRAME_BYTES = 4 * 1024;

  private static final int CONTINUATION = 0;
  private static final int BINARY = 2;
  private static final int CLOSE = 8;
  private static final int PING = 9;
  private static final int PONG = 10;

  /** One message. */
  public record Message(int type, long connection, byte[] body) {
    public String text() {
      return new String(body, StandardCharsets.UTF_8);
    }
  }

  /** The other side refused the upgrade. */
  public static final class RefusedException extends IOException {
    private static final long serialVersionUID = 1L;

    RefusedException(String answer) {
      super(answer);
    }
  }

  private final Socket socket;
  private final DataInputStream in;
  private final OutputStream out;
  private final boolean masks;
  private final Random random = new Random(7);
  private final Map<String, String> headers = new LinkedHashMap<>();
  private String requestLine = "";
  private long messages = 1_000;
  private volatile int closeStatus = -1;
  private volatile int pings;

  private RemoteDialerWire(Socket socket, boolean masks) throws IOException {
    this.socket = socket;
    this.masks = masks;
    this.in = new DataInputStream(new BufferedInputStream(socket.getInputStream(), 64 * 1024));
    this.out = socket.getOutputStream();
    socket.setTcpNoDelay(true);
  }

  /** Dials as a client. */
  public static RemoteDialerWire dial(InetSocketAddress server, String path, String... headerLines)
      throws IOException {
    return dial(new Socket(server.getAddress(), server.getPort()), path, headerLines);
  }

  public static RemoteDialerWire dial(Socket connected, String path, String... headerLines)
      throws IOException {
    RemoteDialerWire wire = new RemoteDialerWire(connected, true);
    StringBuilder request =
        new StringBuilder("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n")
            .append("User-Agent: Go-http-client/1.1\r\nConnection: Upgrade\r\n")
            .append("Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n")
            .append("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n");
    for (String line : headerLines) {
      request.append(line).append("\r\n");
    }
    wire.write(request.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
    wire.readHead();
    if (!wire.requestLine.startsWith("HTTP/1.1 101 ")) {
      byte[] body =
          wire.in.readNBytes(Integer.parseInt(wire.headers.getOrDefault("content-length", "0")));
      connected.close();
      throw new RefusedException(
          wire.requestLine + " " + new String(body, StandardCharsets.UTF_8).strip());
    }
    return wire;
  }

  /** Answers as a server. */
  public static RemoteDialerWire accept(Socket accepted) throws IOException {
    RemoteDialerWire wire = new RemoteDialerWire(accepted, false);
    wire.readHead();
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-1")
              .digest(
                  (wire.headers.get("sec-websocket-key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
                      .getBytes(StandardCharsets.US_ASCII));
      wire.write(
          ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  + "Sec-WebSocket-Accept: "
                  + Base64.getEncoder().encodeToString(digest)
                  + "\r\n\r\n")
              .getBytes(StandardCharsets.US_ASCII));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
    return wire;
  }

  private void readHead() throws IOException {
    requestLine = readLine();
    for (String line = readLine(); !line.isEmpty(); line = readLine()) {
      int colon = line.indexOf(':');
      headers.put(
          line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
    }
  }

  private String readLine() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0) {
        throw new IOException("the connection ended within a head: " + line);
      }
      if (c != '\r') {
        line.append((char) c);
      }
    }
    return line.toString();
  }

  /** A header of the other side's request or answer; names in lower case. */
  public String header(String name) {
    return headers.getOrDefault(name, "");
  }

  /** The first line of the other side's head. */
  public String firstLine() {
    return requestLine;
  }

  // ---- sending ----

  public void data(long connection, byte[] bytes) throws IOException {
    send(DATA, connection, bytes);
  }

  public void error(long connection, String text) throws IOException {
    send(ERROR, connection, text.getBytes(StandardCharsets.UTF_8));
  }

  public void connect(long connection, String address) throws IOException {
    send(CONNECT, connection, address.getBytes(StandardCharsets.UTF_8));
  }

  public void sync(long... connections) throws IOException {
    ByteBuffer body = ByteBuffer.allocate(8 * connections.length).order(ByteOrder.LITTLE_ENDIAN);
    for (long connection : connections) {
      body.putLong(connection);
    }
    send(SYNC, 0, body.array());
  }

  public void send(int type, long connection, byte[] body) throws IOException {
    ByteArrayOutputStream message = new ByteArrayOutputStream(body.length + 40);
    varint(message, messages++);
    varint(message, connection);
    varint(message, type);
    if (type == DATA || type == CONNECT) {
      varint(message, 15_000);
    }
    message.writeBytes(body);
    raw(message.toByteArray());
  }

  /** A message that is whatever it is, in frames as a stock sender cuts them. */
  public synchronized void raw(byte[] message) throws IOException {
    ByteArrayOutputStream frames = new ByteArrayOutputStream(message.length + 64);
    for (int at = 0; at == 0 || at < message.length; at += FRAME_BYTES) {
      int length = Math.min(FRAME_BYTES, message.length - at);
      frame(
          frames,
          at == 0 ? BINARY : CONTINUATION,
          at + length == message.length,
          message,
          at,
          length);
    }
    out.write(frames.toByteArray());
  }

  /** One frame by itself. */
  public synchronized void frame(int opcode, boolean fin, byte[] payload) throws IOException {
    ByteArrayOutputStream frame = new ByteArrayOutputStream(payload.length + 14);
    frame(frame, opcode, fin, payload, 0, payload.length);
    out.write(frame.toByteArray());
  }

  /** The header of a binary frame of so many bytes, none of which follow. */
  public synchronized void announce(long length) throws IOException {
    out.write(
        ByteBuffer.allocate(14)
            .put((byte) 0x82)
            .put((byte) (masks ? 0xff : 0x7f))
            .putLong(length)
            .array(),
        0,
        masks ? 14 : 10);
  }

  public void ping() throws IOException {
    frame(PING, true, new byte[0]);
  }

  private void frame(
      ByteArrayOutputStream frames, int opcode, boolean fin, byte[] from, int at, int length) {
    frames.write((fin ? 0x80 : 0) | opcode);
    int masked = masks ? 0x80 : 0;
    if (length < 126) {
      frames.write(masked | length);
    } else if (length < 65_536) {
      frames.write(masked | 126);
      frames.write(length >> 8);
      frames.write(length);
    } else {
      frames.write(masked | 127);
      frames.writeBytes(ByteBuffer.allocate(8).putLong(length).array());
    }
    byte[] key = new byte[4];
    if (masks) {
      random.nextBytes(key);
      frames.writeBytes(key);
    }
    for (int i = 0; i < length; i++) {
      frames.write(from[at + i] ^ key[i & 3]);
    }
  }

  private static void varint(ByteArrayOutputStream out, long value) {
    long zigzag = (value << 1) ^ (value >> 63);
    while (Long.compareUnsigned(zigzag, 0x80) >= 0) {
      out.write((int) zigzag | 0x80);
      zigzag >>>= 7;
    }
    out.write((int) zigzag);
  }

  private synchronized void write(byte[] bytes) throws IOException {
    out.write(bytes);
  }

  // ---- receiving ----

  /** The next message; null where the WebSocket or the connection has ended. */
  public Message receive() throws IOException {
    ByteArrayOutputStream message = new ByteArrayOutputStream();
    while (true) {
      int first;
      try {
        first = in.read();
      } catch (java.net.SocketException e) {
        return null;
      }
      if (first < 0) {
        return null;
      }
      int second = in.readUnsignedByte();
      long length = second & 0x7f;
      if (length == 126) {
        length = in.readUnsignedShort();
      } else if (length == 127) {
        length = in.readLong();
      }
      if ((second & 0x80) != 0 == masks) {
        throw new IOException("a frame is " + (masks ? "" : "not ") + "masked");
      }
      byte[] key = new byte[4];
      if (!masks) {
        in.readFully(key);
      }
      byte[] payload = in.readNBytes((int) length);
      for (int i = 0; i < payload.length; i++) {
        payload[i] ^= key[i & 3];
      }
      int opcode = first & 0xf;
      if (opcode == PING) {
        pings++;
        frame(PONG, true, payload);
      } else if (opcode == CLOSE) {
        closeStatus = (payload[0] & 0xff) << 8 | payload[1] & 0xff;
        return null;
      } else if (opcode == BINARY || opcode == CONTINUATION) {
        message.writeBytes(payload);
        if ((first & 0x80) != 0) {
          return decode(ByteBuffer.wrap(message.toByteArray()));
        }
      } else if (opcode != PONG) {
        throw new IOException("a frame of opcode " + opcode);
      }
    }
  }

  private static Message decode(ByteBuffer message) {
    varint(message);
    long connection = varint(message);
    int type = (int) varint(message);
    if (type == DATA || type == CONNECT) {
      varint(message);
    }
    byte[] body = new byte[message.remaining()];
    message.get(body);
    return new Message(type, connection, body);
  }

  private static long varint(ByteBuffer in) {
    long value = 0;
    int shift = 0;
    byte next;
    do {
      next = in.get();
      value |= (long) (next & 0x7f) << shift;
      shift += 7;
    } while (next < 0);
    return (value >>> 1) ^ -(value & 1);
  }

  /** The status of the close frame that came; -1 before. */
  public int closeStatus() {
    return closeStatus;
  }

  /** How many PINGs came. */
  public int pings() {
    return pings;
  }

  public Socket socket() {
    return socket;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}

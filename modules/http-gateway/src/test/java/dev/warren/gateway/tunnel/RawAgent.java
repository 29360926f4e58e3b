package dev.warren.gateway.tunnel;

import dev.warren.protocol.StreamId;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.FrameCodec;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.testing.FrameParser;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/** What dials {@code /connect} with a plain socket and sends what the test says, right or wrong. */
final class RawAgent implements AutoCloseable {
  static final int CONTINUATION = 0;
  static final int TEXT = 1;
  static final int BINARY = 2;
  static final int CLOSE = 8;
  static final int PING = 9;
  static final int PONG = 10;
  static final int FIN = 0x80;

  private static final int PATIENCE_MILLIS = 20_000;
  private static final byte[] KEY = {1, 2, 3, 4};

  /** The lines of a handshake that is right; a test leaves out or replaces some. */
  static final List<String> HANDSHAKE =
      List.of(
          "GET /connect HTTP/1.1",
          "Host: gateway",
          "Upgrade: websocket",
          "Connection: Upgrade",
          "Sec-WebSocket-Version: 13",
          "Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==",
          "Sec-WebSocket-Protocol: warren.v1",
          "X-Tunnel-ID: raw");

  /**
   * A WebSocket frame as it came.
   *
   * @param first FIN, reserved bits and kind
   */
  record WebSocketFrame(int first, byte[] payload) {
    int kind() {
      return first & 0x0f;
    }

    int closeStatus() {
      return (payload[0] & 0xff) << 8 | payload[1] & 0xff;
    }
  }

  private final Socket socket;
  private final InputStream in;
  private final OutputStream out;
  private final ArrayDeque<Frame> arrived = new ArrayDeque<>();

  RawAgent(InetSocketAddress gateway) throws IOException {
    socket = new Socket(gateway.getAddress(), gateway.getPort());
    socket.setSoTimeout(PATIENCE_MILLIS);
    socket.setTcpNoDelay(true);
    in = new BufferedInputStream(socket.getInputStream());
    out = socket.getOutputStream();
  }

  /** One whose handshake is done. */
  static RawAgent upgraded(InetSocketAddress gateway) throws IOException {
    RawAgent agent = new RawAgent(gateway);
    String head = agent.handshake(HANDSHAKE);
    if (!head.startsWith("HTTP/1.1 101 ")) {
      throw new AssertionError(head);
    }
    return agent;
  }

  /** Sends the lines of a request, and returns the head of the answer. */
  String handshake(List<String> lines) throws IOException {
    send((String.join("\r\n", lines) + "\r\n\r\n").getBytes(StandardCharsets.ISO_8859_1));
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      head.append((char) readByte());
    }
    return head.toString();
  }

  /** All that comes until the connection ends. */
  String rest() throws IOException {
    return new String(in.readAllBytes(), StandardCharsets.UTF_8);
  }

  void send(byte[] bytes) throws IOException {
    out.write(bytes);
    out.flush();
  }

  /** A masked WebSocket frame. */
  void sendFrame(int first, byte[] payload) throws IOException {
    ByteBuf frame = Unpooled.buffer();
    frame.writeByte(first);
    if (payload.length < 126) {
      frame.writeByte(0x80 | payload.length);
    } else {
      frame.writeByte(0x80 | 126).writeShort(payload.length);
    }
    frame.writeBytes(KEY);
    for (int i = 0; i < payload.length; i++) {
      frame.writeByte(payload[i] ^ KEY[i & 3]);
    }
    byte[] bytes = new byte[frame.readableBytes()];
    frame.readBytes(bytes);
    send(bytes);
  }

  static byte[] bytes(Frame frame) {
    ByteBuf out = Unpooled.buffer();
    FrameCodec.write(out, frame);
    byte[] bytes = new byte[out.readableBytes()];
    out.readBytes(bytes);
    return bytes;
  }

  static Frame.Hello hello(String session) {
    return hello(session, MuxSettings.DEFAULT.limits());
  }

  static Frame.Hello hello(String session, Frame.Limits limits) {
    return new Frame.Hello(
        1,
        1,
        List.of(),
        session,
        StreamId.random(),
        1,
        limits,
        4_000,
        Frame.Rank.NONE,
        "raw",
        new byte[0]);
  }

  private int readByte() throws IOException {
    int next = in.read();
    if (next < 0) {
      throw new EOFException();
    }
    return next;
  }

  WebSocketFrame frame() throws IOException {
    int first = readByte();
    int length = readByte();
    if (length == 126) {
      length = readByte() << 8 | readByte();
    }
    return new WebSocketFrame(first, in.readNBytes(length));
  }

  /** The tunnel's frames until this many have come; the connection's end is an error. */
  List<Frame> frames(int count) throws IOException {
    List<Frame> frames = new ArrayList<>();
    try (FrameParser parser = new FrameParser()) {
      while (frames.size() < count) {
        WebSocketFrame frame = frame();
        if (frame.kind() == BINARY) {
          parser.feed(Unpooled.wrappedBuffer(frame.payload()), frames::add);
        }
      }
    }
    return frames;
  }

  /** One whose tunnel is up. */
  static RawAgent attached(InetSocketAddress gateway, Frame.Limits limits) throws IOException {
    RawAgent agent = upgraded(gateway);
    agent.send(hello("raw", limits));
    agent.expect(Frame.Welcome.class);
    return agent;
  }

  void send(Frame frame) throws IOException {
    sendFrame(FIN | BINARY, bytes(frame));
  }

  /** The next frame of this kind; others are passed over. */
  <T extends Frame> T expect(Class<T> kind) throws IOException {
    while (true) {
      if (arrived.isEmpty()) {
        arrived.addAll(frames(1));
      }
      Frame frame = arrived.removeFirst();
      if (kind.isInstance(frame)) {
        return kind.cast(frame);
      }
    }
  }

  /** The status of the close that comes next, behind which the connection ends. */
  int closed() throws IOException {
    WebSocketFrame frame = frame();
    if (frame.kind() != CLOSE) {
      throw new AssertionError("kind " + frame.kind() + " (expected: close)");
    }
    assertEnded();
    return frame.closeStatus();
  }

  /** Nothing more comes: neither a second close nor anything else. */
  void assertEnded() throws IOException {
    try {
      int next = in.read();
      if (next >= 0) {
        throw new AssertionError("byte " + next + " behind the close");
      }
    } catch (SocketException reset) {
      // an end, too
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}

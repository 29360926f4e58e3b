package dev.warren.client;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code /dial/ID/TARGET} as docs/dial.md has it, by a WebSocket that is written here by hand. */
@Timeout(120)
class OneStreamTest {
  private static final int TEXT = 1;
  private static final int BINARY = 2;
  private static final int CLOSE = 8;
  private static final int PING = 9;
  private static final int PONG = 10;

  @TempDir static Path directory;
  private static Site site;

  @BeforeAll
  static void start() throws Exception {
    site = new Site(directory);
  }

  @AfterAll
  static void stop() {
    site.close();
  }

  private record Message(int kind, byte[] payload) {
    int status() {
      return (payload[0] & 0xff) << 8 | payload[1] & 0xff;
    }
  }

  private static final class Caller implements AutoCloseable {
    private final Socket socket;
    private final InputStream in;
    private final String head;

    Caller(int hops, String path) throws IOException {
      socket = new Socket("127.0.0.1", site.port(hops));
      socket.setSoTimeout(30_000);
      in = new BufferedInputStream(socket.getInputStream());
      socket
          .getOutputStream()
          .write(
              ("GET "
                      + path
                      + " HTTP/1.1\r\nHost: gw\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      + "Sec-WebSocket-Version: 13\r\n"
                      + "Sec-WebSocket-Key: AAECAwQFBgcICQoLDA0ODw==\r\n\r\n")
                  .getBytes(UTF_8));
      StringBuilder read = new StringBuilder();
      while (read.indexOf("\r\n\r\n") < 0) {
        read.append((char) readByte());
      }
      head = read.toString();
    }

    static Caller open(int hops, Peer target) throws IOException {
      Caller caller = new Caller(hops, "/dial/foo/tcp/" + target.target());
      assertEquals(101, caller.status(), caller.head);
      return caller;
    }

    int status() {
      return Integer.parseInt(head.substring(9, 12));
    }

    private int readByte() throws IOException {
      int next = in.read();
      if (next < 0) {
        throw new EOFException();
      }
      return next;
    }

    void send(int kind, byte[] payload) throws IOException {
      ByteArrayOutputStream frame = new ByteArrayOutputStream();
      frame.write(0x80 | kind);
      if (payload.length < 126) {
        frame.write(0x80 | payload.length);
      } else {
        frame.write(0x80 | 126);
        frame.write(payload.length >> 8);
        frame.write(payload.length);
      }
      frame.write(new byte[4]); // a mask of zeros
      frame.write(payload);
      socket.getOutputStream().write(frame.toByteArray());
    }

    /**
     * The next message; the gateway's pings, which come only on a slow machine, are passed over.
     */
    Message next() throws IOException {
      Message message = any();
      while (message.kind() == PING) {
        message = any();
      }
      return message;
    }

    private Message any() throws IOException {
      int kind = readByte() & 0x0f;
      long length = readByte();
      int more = length == 126 ? 2 : length == 127 ? 8 : 0;
      for (int i = 0; i < more; i++) {
        length = (i == 0 ? 0 : length << 8) | readByte();
      }
      return new Message(kind, in.readNBytes((int) length));
    }

    /** All bytes up to the end of the target's side. */
    byte[] bytes() throws IOException {
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      for (Message message = next(); ; message = next()) {
        if (message.kind() == TEXT) {
          assertEquals(0, message.payload().length);
          return all.toByteArray();
        }
        assertEquals(BINARY, message.kind());
        all.write(message.payload());
      }
    }

    int closed() throws IOException {
      Message message = next();
      assertEquals(CLOSE, message.kind());
      return message.status();
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void bytesPassAndEmptyTextMessagesAreTheEnds(int hops) throws Exception {
    byte[] bytes = new byte[2 << 20];
    new SplittableRandom(3).nextBytes(bytes);
    try (Peer echo = Peer.echo();
        Caller caller = Caller.open(hops, echo)) {
      assertTrue(
          caller.head.contains("warren-stream: ") || caller.head.contains("Warren-Stream: "));
      CompletableFuture<Void> sender =
          CompletableFuture.runAsync(
              () -> {
                try {
                  for (int at = 0; at < bytes.length; at += 50_000) {
                    caller.send(
                        BINARY, Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + 50_000)));
                  }
                  caller.send(TEXT, new byte[0]);
                } catch (IOException e) {
                  throw new AssertionError(e);
                }
              });
      assertArrayEquals(bytes, caller.bytes());
      sender.join();
      assertEquals("ended", echo.outcome());
      assertEquals(1000, caller.closed());
    }
  }

  @Test
  void theTargetMayEndFirst() throws Exception {
    try (Peer target =
            Peer.of(
                connection -> {
                  connection.shutdownOutput();
                  return new String(connection.getInputStream().readAllBytes(), UTF_8);
                });
        Caller caller = Caller.open(0, target)) {
      assertEquals(0, caller.bytes().length);
      caller.send(BINARY, "more".getBytes(UTF_8));
      caller.send(TEXT, new byte[0]);
      assertEquals("more", target.outcome());
      assertEquals(1000, caller.closed());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void aResetOfTheTargetIsACloseWithItsFault(int hops) throws Exception {
    try (Peer target =
            Peer.of(
                connection -> {
                  connection.getInputStream().read();
                  connection.setSoLinger(true, 0);
                  return "reset";
                });
        Caller caller = Caller.open(hops, target)) {
      caller.send(BINARY, new byte[1]);
      assertEquals(4021, caller.closed());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void aCallerThatBreaksOffResetsTheTarget(int hops) throws Exception {
    try (Peer target = Peer.of(connection -> connection.getInputStream().readAllBytes())) {
      Caller.open(hops, target).close();
      assertInstanceOf(SocketException.class, target.outcome());
    }
    try (Peer target = Peer.of(connection -> connection.getInputStream().readAllBytes());
        Caller caller = Caller.open(hops, target)) {
      caller.send(CLOSE, new byte[] {0x0f, (byte) 0xa0}); // 4000
      assertInstanceOf(SocketException.class, target.outcome());
    }
  }

  @Test
  void aCallerThatClosesInGoodOrderHasSentAll() throws Exception {
    try (Peer target = Peer.of(connection -> connection.getInputStream().readAllBytes());
        Caller caller = Caller.open(0, target)) {
      caller.send(BINARY, "all of it".getBytes(UTF_8));
      caller.send(CLOSE, new byte[] {0x03, (byte) 0xe8}); // 1000
      assertEquals(1000, caller.closed());
      assertEquals("all of it", new String((byte[]) target.outcome(), UTF_8));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "/dial/foo/127.0.0.1:1, 502",
    "/dial/foo/tcp/127.0.0.1:1?x=y, 502",
    "/dial/foo/192.0.2.1:80, 403",
    "/dial/foo/127.0.0.1:0, 400",
    "/dial/foo/127.0.0.1:70000, 400",
    "/dial/foo/a%20name:80, 400",
    "/dial/foo/, 400",
    "/dial/foo, 400",
    "/dial/, 400",
    "/dial, 400"
  })
  void failuresAreStatusesBeforeTheUpgrade(String path, int status) throws Exception {
    try (Caller caller = new Caller(0, path)) {
      assertEquals(status, caller.status(), caller.head);
    }
  }

  @Test
  void anUnknownSessionIs404() throws Exception {
    try (Caller caller = new Caller(Site.ALONE, "/dial/nobody/127.0.0.1:80")) {
      assertEquals(404, caller.status(), caller.head);
    }
  }

  @Test
  void aTextMessageIsNoBytesAndBytesBehindTheEndAreABreach() throws Exception {
    try (Peer echo = Peer.echo();
        Caller caller = Caller.open(0, echo)) {
      caller.send(TEXT, "hello".getBytes(UTF_8));
      assertEquals(1003, caller.closed());
    }
    try (Peer silent =
            Peer.of(
                connection -> {
                  connection.getInputStream().readAllBytes();
                  return new java.util.concurrent.CountDownLatch(1)
                      .await(20, java.util.concurrent.TimeUnit.SECONDS);
                });
        Caller caller = Caller.open(0, silent)) {
      caller.send(PING, new byte[] {9});
      Message pong = caller.next();
      assertEquals(PONG, pong.kind());
      assertArrayEquals(new byte[] {9}, pong.payload());
      caller.send(TEXT, new byte[0]);
      caller.send(BINARY, new byte[1]);
      assertEquals(1002, caller.closed());
    }
  }

  @Test
  void aCallerThatDoesNotReadStopsTheTarget() throws Exception {
    AtomicLong written = new AtomicLong();
    try (Peer endless =
            Peer.of(
                connection -> {
                  byte[] piece = new byte[64 * 1024];
                  while (true) {
                    connection.getOutputStream().write(piece);
                    written.addAndGet(piece.length);
                  }
                });
        Caller caller = Caller.open(0, endless)) {
      long[] last = {-1, 0};
      Site.await(
          "the writer stalls",
          () -> {
            long now = written.get();
            last[1] = now == last[0] ? last[1] + 1 : 0;
            last[0] = now;
            return last[1] >= 30;
          });
      for (int i = 0; i < 1_000; i++) {
        assertEquals(BINARY, caller.next().kind());
      }
    }
  }
}

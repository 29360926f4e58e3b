package dev.warren.gateway.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.peer.dial.DialFailedException;
import dev.warren.peer.dial.OpenedStream;
import dev.warren.peer.dial.StreamOpener;
import dev.warren.protocol.SessionKey;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.Promise;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(60)
class ProbeTest {
  private static final EventLoopGroup LOOPS =
      new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  private static final SessionKey FOO = SessionKey.of("foo");
  private static final Duration LONG = Duration.ofSeconds(50);

  private final ServerSocket target = listening();

  private static ServerSocket listening() {
    try {
      return new ServerSocket(0, 8, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @AfterEach
  void close() throws IOException {
    target.close();
  }

  @AfterAll
  static void stop() {
    LOOPS.shutdownGracefully(0, 2, TimeUnit.SECONDS).syncUninterruptibly();
  }

  /** A plain connection in place of a stream. */
  private static final StreamOpener PLAIN =
      (dial, loop) -> {
        Promise<OpenedStream> promise = loop.newPromise();
        ChannelFuture connected =
            new Bootstrap()
                .group(loop)
                .channel(NioSocketChannel.class)
                .option(ChannelOption.AUTO_READ, false)
                .option(ChannelOption.ALLOW_HALF_CLOSURE, true)
                .handler(new ChannelInboundHandlerAdapter())
                .connect("127.0.0.1", ((dev.warren.protocol.Target.Tcp) dial.target()).port());
        connected.addListener(
            done ->
                promise.setSuccess(
                    new OpenedStream((DuplexChannel) connected.channel(), "id", "gw")));
        return promise;
      };

  private Finding probe(String path, Duration timeout) throws Exception {
    return probe(PLAIN, path, timeout);
  }

  private Finding probe(StreamOpener opener, String path, Duration timeout) throws Exception {
    String prefix = path.isEmpty() ? "" : "http://";
    Check check = Check.parse("*=" + prefix + "127.0.0.1:" + target.getLocalPort() + path);
    return Probe.start(opener, FOO, check, timeout, LOOPS.next()).get(50, TimeUnit.SECONDS);
  }

  /** Answers one connection with this, and keeps it open until the other side ends it. */
  private void answering(String answer, StringBuilder heard) {
    Thread thread =
        new Thread(
            () -> {
              try (Socket socket = target.accept()) {
                InputStream in = socket.getInputStream();
                while (!heard.toString().endsWith("\r\n\r\n")) {
                  int read = in.read();
                  if (read < 0) {
                    return;
                  }
                  heard.append((char) read);
                }
                socket.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
                if (answer.isEmpty()) {
                  return;
                }
                in.read();
              } catch (IOException e) {
                // The other side has gone.
              }
            });
    thread.setDaemon(true);
    thread.start();
  }

  @Test
  void aTargetThatAcceptsIsGoodAndItsConnectionEndsInGoodOrder() throws Exception {
    Finding finding = probe("", LONG);
    assertTrue(assertInstanceOf(Finding.Good.class, finding).latencyNanos() > 0);
    try (Socket socket = target.accept()) {
      assertEquals(-1, socket.getInputStream().read());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "'HTTP/1.1 200 OK|Content-Length: 2||ok',                  good",
    "'HTTP/1.1 204 No Content||',                                 good",
    "'HTTP/1.1 302 Found|Location: /|Content-Length: 0||',  good",
    "'HTTP/1.1 103 Early Hints||HTTP/1.1 200 OK||and so on', good",
    "'HTTP/1.1 404 Not Found|Content-Length: 0||',             HTTP status 404",
    "'HTTP/1.1 503 Away|Content-Length: 0||',                  HTTP status 503",
    "'SSH-2.0-OpenSSH_9.2||',                                     no HTTP answer",
    "'',                          the target ended the connection without an answer",
  })
  void anHttpTargetIsGoodWhereItAnswers2xxOr3xx(String answer, String outcome) throws Exception {
    StringBuilder heard = new StringBuilder();
    answering(answer.replace("|", "\r\n"), heard);
    Finding finding = probe("/healthz?a=b", LONG);
    if (outcome.equals("good")) {
      assertInstanceOf(Finding.Good.class, finding, finding::toString);
    } else {
      assertEquals(outcome, assertInstanceOf(Finding.Bad.class, finding).reason());
    }
    assertTrue(heard.toString().startsWith("GET /healthz?a=b HTTP/1.1\r\nhost: 127.0.0.1:"));
  }

  @Test
  void aTargetThatAcceptsAndDoesNotAnswerIsGivenUpAtTheLimit() throws Exception {
    Finding finding = probe("/", Duration.ofMillis(50));
    assertEquals("no answer within 50 ms", assertInstanceOf(Finding.Bad.class, finding).reason());
  }

  @ParameterizedTest
  @EnumSource(DialFailedException.Outcome.class)
  void aDialThatFailsSpeaksOfTheTargetOrOfItsAgent(DialFailedException.Outcome outcome)
      throws Exception {
    StreamOpener failing =
        (dial, loop) ->
            loop.newFailedFuture(
                new DialFailedException(outcome, "session foo: why", Duration.ZERO, "gw"));
    boolean ofTarget =
        switch (outcome) {
          case FORBIDDEN, REFUSED, TIMED_OUT, UNSUPPORTED -> true;
          case UNKNOWN_SESSION, UNAVAILABLE, TOO_MANY -> false;
        };
    assertEquals(
        ofTarget ? new Finding.Bad("session foo: why", 0) : new Finding.Unasked("session foo: why"),
        probe(failing, "", LONG));
  }
}

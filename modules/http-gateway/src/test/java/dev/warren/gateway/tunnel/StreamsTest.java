package dev.warren.gateway.tunnel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.peer.dial.Dial;
import dev.warren.peer.dial.DialFailedException;
import dev.warren.peer.dial.OpenedStream;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.Target;
import dev.warren.protocol.channel.StreamResetException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A stream as a channel, from a real gateway through a real tunnel to a target that the test holds
 * in its hand; each case on the tunnel's own event loop and on another one.
 */
@Timeout(60)
class StreamsTest {
  private static final SessionKey SESSION = SessionKey.of("bench-1");

  private TunnelGateway gateway;
  private TestAgent agent;
  private ServerSocket target;
  private EventLoopGroup others;

  @BeforeEach
  void start() throws Exception {
    gateway = TunnelGateway.start();
    agent = TestAgent.connect(gateway.address(), SESSION.id());
    agent.welcome.get(10, TimeUnit.SECONDS);
    target = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    target.setSoTimeout(20_000);
    others = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  }

  @AfterEach
  void stopAndFindNothingLeft() throws Exception {
    target.close();
    agent.close();
    gateway.awaitNoCredit();
    gateway.close();
    others.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(5_000);
    assertEquals(0, agent.budget.used(), "credit left at the agent");
  }

  private EventLoop loop(boolean same) {
    return same ? gateway.tunnelLoop(SESSION) : others.next();
  }

  private Caller dial(boolean same) throws Exception {
    OpenedStream opened =
        gateway.opener().open(dial(target.getLocalPort()), loop(same)).get(10, TimeUnit.SECONDS);
    return new Caller(opened.channel());
  }

  /** A read that gets nothing fails instead of waiting for ever. */
  private Socket accept() throws IOException {
    Socket peer = target.accept();
    peer.setSoTimeout(20_000);
    return peer;
  }

  private static Dial dial(int port) {
    return new Dial(
        StreamId.random(),
        SESSION,
        new Target.Tcp("127.0.0.1", port),
        Duration.ofSeconds(10),
        "",
        "");
  }

  /** What happened on a channel, in order. */
  private static final class Caller extends ChannelInboundHandlerAdapter {
    private final DuplexChannel channel;
    private final BlockingQueue<Object> events = new LinkedBlockingQueue<>();

    Caller(DuplexChannel channel) {
      this.channel = channel;
      channel.pipeline().addLast(this);
    }

    void readOn() {
      channel.config().setAutoRead(true);
    }

    void send(String text) {
      channel.writeAndFlush(Unpooled.copiedBuffer(text, StandardCharsets.UTF_8));
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      ByteBuf bytes = (ByteBuf) message;
      events.add(bytes.toString(StandardCharsets.UTF_8));
      bytes.release();
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
      events.add(event);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      events.add(cause);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
      events.add("inactive");
    }

    Object next() throws InterruptedException {
      Object event = events.poll(20, TimeUnit.SECONDS);
      assertTrue(event != null, "nothing happened within 20 s");
      return event;
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void halfClosesPassBothWays(boolean same) throws Exception {
    Caller caller = dial(same);
    try (Socket peer = accept()) {
      caller.readOn();
      caller.send("question");
      caller.channel.shutdownOutput();
      assertEquals(
          "question", new String(peer.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
      peer.getOutputStream().write("answer".getBytes(StandardCharsets.UTF_8));
      peer.shutdownOutput();
      assertEquals("answer", caller.next());
      assertEquals(ChannelInputShutdownEvent.INSTANCE, caller.next());
      assertEquals("inactive", caller.next());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aResetOfTheTargetReachesTheCallerBehindWhatWasSent(boolean same) throws Exception {
    Caller caller = dial(same);
    try (Socket peer = accept()) {
      peer.getOutputStream().write("last words".getBytes(StandardCharsets.UTF_8));
      caller.readOn();
      assertEquals("last words", caller.next());
      peer.setSoLinger(true, 0);
    }
    StreamResetException reset = assertInstanceOf(StreamResetException.class, caller.next());
    assertEquals(FaultCode.TARGET_RESET, reset.code());
    assertEquals("inactive", caller.next());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aCallerThatGoesAwayResetsTheTargetsConnection(boolean same) throws Exception {
    Caller caller = dial(same);
    try (Socket peer = accept()) {
      caller.readOn();
      caller.channel.close();
      InputStream in = peer.getInputStream();
      assertThrows(SocketException.class, in::read);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aLostTunnelResetsItsStreamsAtBothEnds(boolean same) throws Exception {
    Caller caller = dial(same);
    try (Socket peer = accept()) {
      caller.readOn();
      agent.kill();
      StreamResetException reset = assertInstanceOf(StreamResetException.class, caller.next());
      assertEquals(FaultCode.TUNNEL_LOST, reset.code());
      assertThrows(SocketException.class, () -> peer.getInputStream().read());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aReaderThatStopsStopsTheTargetAtTheWindow(boolean same) throws Exception {
    Caller caller = dial(same);
    try (Socket peer = accept()) {
      peer.setSendBufferSize(16 * 1024);
      Thread writer = new Thread(() -> writeUntilItBlocksForGood(peer));
      writer.start();
      gateway.awaitStalled(SESSION);
      assertTrue(gateway.creditInUse() <= 16L << 20, "credit in use: " + gateway.creditInUse());
      caller.readOn(); // and now it flows
      long arrived = 0;
      while (arrived < 4 << 20) {
        arrived += ((String) caller.next()).length();
      }
      caller.channel.close();
      writer.join(20_000);
    }
  }

  private static void writeUntilItBlocksForGood(Socket peer) {
    byte[] block = new byte[64 * 1024];
    java.util.Arrays.fill(block, (byte) 'x');
    try {
      for (int i = 0; i < 1_000; i++) {
        peer.getOutputStream().write(block);
      }
    } catch (IOException e) {
      // The caller went away, which is how it ends.
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aTargetThatRefusesIsTold(boolean same) throws Exception {
    int port = target.getLocalPort();
    target.close();
    ExecutionException failed =
        assertThrows(
            ExecutionException.class,
            () -> gateway.opener().open(dial(port), loop(same)).get(10, TimeUnit.SECONDS));
    DialFailedException refused = assertInstanceOf(DialFailedException.class, failed.getCause());
    assertEquals(DialFailedException.Outcome.REFUSED, refused.outcome());
  }
}

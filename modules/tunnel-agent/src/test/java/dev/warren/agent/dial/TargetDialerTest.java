package dev.warren.agent.dial;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.agent.Eventually;
import dev.warren.agent.Loopback;
import dev.warren.agent.ScriptedNames;
import dev.warren.agent.net.Transport;
import dev.warren.agent.rules.AllowRules;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.StreamId;
import dev.warren.protocol.Target;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.socket.DuplexChannel;
import io.netty.channel.socket.SocketChannelConfig;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TargetDialerTest {
  private static final SessionKey SESSION = SessionKey.of("foo");
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final Duration SHORT = Duration.ofMillis(200);

  private final ScriptedNames names = new ScriptedNames();
  private final List<AutoCloseable> closeables = new ArrayList<>();
  private Transport transport = Transport.best();
  private AllowRules rules = AllowRules.LOOPBACK;
  private final List<TargetDial> handles = new ArrayList<>();
  private EventLoopGroup group;
  private EventLoop loop;

  @BeforeEach
  void startLoop() {
    group = transport.eventLoops(1);
    loop = group.next();
  }

  @AfterEach
  void stop() throws Exception {
    for (AutoCloseable closeable : closeables) {
      closeable.close();
    }
    group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void theChannelIsOnTheLoopDoesNotReadAndHasAnEmptyPipeline(boolean best) throws Exception {
    if (!best) {
      group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
      transport = Transport.nio();
      startLoop();
    }
    ServerSocket server = listening("127.0.0.1");
    TargetDialer dialer = dialer(LONG, 8);
    DuplexChannel channel = connected(dial(dialer, tcp("127.0.0.1", server.getLocalPort())));
    assertSame(loop, channel.eventLoop());
    assertTrue(channel.isActive());
    assertFalse(channel.config().isAutoRead());
    assertTrue(((SocketChannelConfig) channel.config()).isTcpNoDelay());
    assertTrue(channel.config().getOption(ChannelOption.ALLOW_HALF_CLOSURE));
    assertNull(channel.pipeline().first());
    assertEquals(0, dialer.pending());
    try (Socket accepted = server.accept()) {
      channel.close().sync();
      assertEquals(-1, accepted.getInputStream().read());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aClosedPortIsRefused(boolean best) throws Exception {
    if (!best) {
      group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
      transport = Transport.nio();
      startLoop();
    }
    int port = closedPort();
    DialResult.Refused refused = refused(dial(dialer(LONG, 8), tcp("127.0.0.1", port)));
    assertEquals(FaultCode.TARGET_REFUSED, refused.code());
    assertEquals("connection refused", refused.detail());
  }

  @Test
  void localhostNeedsNobodysHelp() throws Exception {
    ServerSocket server = listening("127.0.0.1");
    names.answer("localhost", "127.0.0.1", "::1");
    connected(dial(dialer(LONG, 8), tcp("localhost", server.getLocalPort()))).close().sync();
  }

  @Test
  void aNameThatNobodyKnowsIsUnknown() throws Exception {
    DialResult.Refused refused = refused(dial(dialer(LONG, 8), tcp("nowhere.example", 80)));
    assertEquals(FaultCode.TARGET_UNKNOWN, refused.code());
    assertEquals("the name nowhere.example is unknown at the agent", refused.detail());
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.1", "0x7f.1", "2130706433", "0177.0.0.1", "017700000001"})
  void anOddSpellingOfAnAddressIsNeitherResolvedNorDialled(String host) throws Exception {
    rules = AllowRules.parse(List.of("*", "0.0.0.0/0"));
    DialResult.Refused refused = refused(dial(dialer(LONG, 8), tcp(host, 80)));
    assertEquals(FaultCode.TARGET_UNKNOWN, refused.code());
    assertTrue(refused.detail().startsWith(host + " is no host name"), refused.detail());
    assertEquals(0, names.questions());
  }

  @Test
  void aForbiddenAddressIsNotDialled() throws Exception {
    rules = AllowRules.parse(List.of("127.0.0.1"));
    ServerSocket server = listening("127.0.0.2");
    DialResult.Refused refused =
        refused(dial(dialer(LONG, 8), tcp("127.0.0.2", server.getLocalPort())));
    assertEquals(FaultCode.FORBIDDEN, refused.code());
    assertTrue(refused.detail().contains("127.0.0.2:" + server.getLocalPort()), refused.detail());
    assertNobodyCame(server);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0.0.0.0", "::", "::ffff:0.0.0.0"})
  void theUnspecifiedAddressDoesNotLeadToLoopback(String address) throws Exception {
    rules = AllowRules.parse(List.of("*", "0.0.0.0/0", "::/0", "127.0.0.0/8"));
    ServerSocket server = listening("127.0.0.1");
    names.answer("sneaky.example", address);
    for (String host : List.of(address, "sneaky.example")) {
      DialResult.Refused refused = refused(dial(dialer(LONG, 8), tcp(host, server.getLocalPort())));
      assertEquals(FaultCode.FORBIDDEN, refused.code());
    }
    assertNobodyCame(server);
  }

  @Test
  void onlyTheAllowedAddressesOfANameAreDialled() throws Exception {
    rules = AllowRules.parse(List.of("127.0.0.1"));
    ServerSocket forbidden = listening("127.0.0.2");
    ServerSocket allowed = new ServerSocket();
    closeables.add(allowed);
    allowed.bind(Loopback.at("127.0.0.1", forbidden.getLocalPort()));
    names.answer("both.example", "127.0.0.2", "127.0.0.1");
    connected(dial(dialer(LONG, 8), tcp("both.example", forbidden.getLocalPort()))).close().sync();
    assertNobodyCame(forbidden);
  }

  /** A second answer would be another one: the name is looked up once for each dial. */
  @Test
  void whatWasJudgedIsWhatIsDialled() throws Exception {
    ServerSocket server = listening("127.0.0.1");
    names.answer("rebinding.example", "127.0.0.1");
    names.answer("rebinding.example", "169.254.169.254");
    TargetDialer dialer = dialer(LONG, 8);
    Target target = tcp("rebinding.example", server.getLocalPort());
    connected(dial(dialer, target)).close().sync();
    assertEquals(1, names.questions());
    assertEquals(FaultCode.FORBIDDEN, refused(dial(dialer, target)).code());
  }

  @Test
  void theNextAddressIsTriedWhereOneRefuses() throws Exception {
    ServerSocket server = listening("127.0.0.2");
    names.answer("two.example", "127.0.0.1", "127.0.0.2");
    DuplexChannel channel =
        connected(dial(dialer(LONG, 8), tcp("two.example", server.getLocalPort())));
    assertEquals(
        Loopback.at("127.0.0.2", 0).getAddress(),
        ((InetSocketAddress) channel.remoteAddress()).getAddress());
    channel.close().sync();
  }

  @Test
  void theNextAddressIsTriedWhereOneDoesNotAnswer() throws Exception {
    BlackHole hole = blackHole("127.0.0.1", 0);
    ServerSocket server = new ServerSocket();
    closeables.add(server);
    server.bind(Loopback.at("127.0.0.2", hole.port()));
    names.answer("two.example", "127.0.0.1", "127.0.0.2");
    connected(dial(dialer(Duration.ofSeconds(2), 8), tcp("two.example", hole.port())))
        .close()
        .sync();
  }

  @Test
  void whereAllAddressesFailTheFirstDecidesAndAllAreNamed() throws Exception {
    names.answer("two.example", "127.0.0.1", "127.0.0.2");
    int port = closedPort();
    DialResult.Refused refused = refused(dial(dialer(LONG, 8), tcp("two.example", port)));
    assertEquals(FaultCode.TARGET_REFUSED, refused.code());
    assertEquals("127.0.0.1 connection refused, 127.0.0.2 connection refused", refused.detail());
  }

  @Test
  void aTargetThatDoesNotAnswerTimesOutAndLeavesNothing() throws Exception {
    BlackHole hole = blackHole("127.0.0.1", 0);
    long before = connecting(hole.port());
    TargetDialer dialer = dialer(SHORT, 8);
    DialResult.Refused refused = refused(dial(dialer, tcp("127.0.0.1", hole.port())));
    assertEquals(FaultCode.TARGET_TIMEOUT, refused.code());
    assertEquals("no answer in time", refused.detail());
    assertEquals(0, dialer.pending());
    assertEquals(before, connecting(hole.port()));
  }

  @Test
  void theCallersDeadlineCountsWhereItIsEarlier() throws Exception {
    BlackHole hole = blackHole("127.0.0.1", 0);
    TargetDialer dialer = dialer(LONG, 8);
    Target target = tcp("127.0.0.1", hole.port());
    assertEquals(FaultCode.TARGET_TIMEOUT, refused(dial(dialer, request(target, SHORT))).code());
    assertEquals(
        FaultCode.TARGET_TIMEOUT, refused(dial(dialer, request(target, Duration.ZERO))).code());
  }

  @Test
  void aNameServerThatDoesNotAnswerTimesOut() throws Exception {
    names.hold("slow.example");
    DialResult.Refused refused = refused(dial(dialer(SHORT, 8), tcp("slow.example", 80)));
    assertEquals(FaultCode.TARGET_TIMEOUT, refused.code());
    assertEquals("no answer about its name in time", refused.detail());
  }

  @Test
  void anUnroutableAddressIsUnreachable() throws Exception {
    // The kernel itself refuses to connect to a multicast address: nothing leaves the machine.
    rules = AllowRules.parse(List.of("224.0.0.1"));
    DialResult.Refused refused = refused(dial(dialer(LONG, 8), tcp("224.0.0.1", 80)));
    assertEquals(FaultCode.TARGET_UNREACHABLE, refused.code());
  }

  @Test
  void aCancelledDialLeavesNothingAndTellsNobody() throws Exception {
    BlackHole hole = blackHole("127.0.0.1", 0);
    long before = connecting(hole.port());
    TargetDialer dialer = dialer(LONG, 8);
    CompletableFuture<DialResult> result = new CompletableFuture<>();
    TargetDial dial =
        onLoop(
            () ->
                dialer.dial(request(tcp("127.0.0.1", hole.port()), LONG), loop, result::complete));
    onLoop(() -> null); // the dial has started
    assertEquals(1, dialer.pending());
    assertEquals(before + 1, connecting(hole.port()));
    onLoop(
        () -> {
          dial.cancel();
          dial.cancel();
          return null;
        });
    assertEquals(0, dialer.pending());
    assertEquals(before, connecting(hole.port()));
    assertFalse(result.isDone());
  }

  @Test
  void aDialCancelledWhileItsNameIsLookedUpIsNotContinued() throws Exception {
    ServerSocket server = listening("127.0.0.1");
    names.hold("slow.example");
    TargetDialer dialer = dialer(LONG, 8);
    CompletableFuture<DialResult> result = new CompletableFuture<>();
    TargetDial dial =
        onLoop(
            () ->
                dialer.dial(
                    request(tcp("slow.example", server.getLocalPort()), LONG),
                    loop,
                    result::complete));
    onLoop(() -> null);
    onLoop(
        () -> {
          dial.cancel();
          names.release("slow.example", "127.0.0.1");
          return null;
        });
    assertNobodyCame(server);
    assertFalse(result.isDone());
    assertEquals(0, dialer.pending());
  }

  @Test
  void aDialCancelledBeforeItStartedNeverStarts() throws Exception {
    TargetDialer dialer = dialer(LONG, 8);
    CompletableFuture<DialResult> result = new CompletableFuture<>();
    onLoop(
        () -> {
          dialer.dial(request(tcp("x.example", 80), LONG), loop, result::complete).cancel();
          return null;
        });
    onLoop(() -> null);
    assertEquals(0, names.questions());
    assertFalse(result.isDone());
  }

  @Test
  void oneDialMoreThanTheLimitIsRefusedAsOverloaded() throws Exception {
    names.hold("slow.example");
    TargetDialer dialer = dialer(LONG, 2);
    List<CompletableFuture<DialResult>> results = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      results.add(dial(dialer, tcp("slow.example", 80)));
    }
    DialResult.Refused refused = refused(results.get(2));
    assertEquals(FaultCode.OVERLOADED, refused.code());
    assertEquals("the agent is dialling 2 targets already", refused.detail());
    assertEquals(2, dialer.pending());
    onLoop(
        () -> {
          names.release("slow.example");
          return null;
        });
    assertEquals(FaultCode.TARGET_UNKNOWN, refused(results.get(0)).code());
    assertEquals(FaultCode.TARGET_UNKNOWN, refused(results.get(1)).code());
    assertEquals(0, dialer.pending());
  }

  @Test
  void theSameStreamIsNotDialledTwiceButAnotherCallersIs() throws Exception {
    names.hold("slow.example");
    TargetDialer dialer = dialer(LONG, 8);
    Target target = tcp("slow.example", 80);
    StreamId id = StreamId.random();
    dial(dialer, new DialRequest(new DialRequest.Key(SESSION, id, "ann"), target, LONG, 0));
    CompletableFuture<DialResult> again =
        dial(dialer, new DialRequest(new DialRequest.Key(SESSION, id, "ann"), target, LONG, 0));
    assertEquals(FaultCode.STREAM_PROTOCOL, refused(again).code());
    dial(dialer, new DialRequest(new DialRequest.Key(SESSION, id, "bob"), target, LONG, 0));
    Eventually.holds(() -> dialer.pending() == 2, () -> dialer.pending() + " dials");
  }

  // ---- several attempts of one dial

  private static DialRequest attempt(StreamId id, Target target, int attempt) {
    return new DialRequest(new DialRequest.Key(SESSION, id, "ann"), target, LONG, attempt);
  }

  private CompletableFuture<DialResult> dialOn(
      EventLoop other, TargetDialer dialer, DialRequest request) throws Exception {
    CompletableFuture<DialResult> result = new CompletableFuture<>();
    other.submit(() -> handles.add(dialer.dial(request, other, result::complete))).get();
    other.submit(() -> {}).get(); // it has entered
    return result;
  }

  /** A dial that waits for its name until it is released. */
  private Target waitingFor(ServerSocket server) {
    names.hold("slow.example");
    return tcp("slow.example", server.getLocalPort());
  }

  private void release(String... addresses) throws Exception {
    onLoop(
        () -> {
          names.release("slow.example", addresses);
          return null;
        });
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void theHighestAttemptGetsTheOneConnectionOnItsOwnLoop(boolean best) throws Exception {
    group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
    transport = best ? Transport.best() : Transport.nio();
    startLoop();
    EventLoop other = secondLoop();
    ServerSocket server = listening("127.0.0.1");
    Target target = waitingFor(server);
    TargetDialer dialer = dialer(LONG, 8);
    StreamId id = StreamId.random();
    CompletableFuture<DialResult> first = dialOn(loop, dialer, attempt(id, target, 0));
    CompletableFuture<DialResult> second = dialOn(loop, dialer, attempt(id, target, 1));
    CompletableFuture<DialResult> third = dialOn(other, dialer, attempt(id, target, 5));
    assertEquals(1, dialer.pending());
    release("127.0.0.1");
    DuplexChannel channel = connected(third);
    assertEquals(FaultCode.OTHER_ATTEMPT_WON, refused(first).code());
    assertEquals(FaultCode.OTHER_ATTEMPT_WON, refused(second).code());
    assertSame(other, channel.eventLoop());
    assertEquals(1, names.questions());
    assertEquals(0, dialer.pending());
    try (Socket accepted = server.accept()) {
      assertNobodyCame(server);
      accepted.getOutputStream().write("hello".getBytes(StandardCharsets.UTF_8));
      CompletableFuture<String> read = new CompletableFuture<>();
      other
          .submit(
              () -> {
                channel
                    .pipeline()
                    .addLast(
                        new SimpleChannelInboundHandler<ByteBuf>() {
                          @Override
                          protected void channelRead0(ChannelHandlerContext ctx, ByteBuf bytes) {
                            assertTrue(other.inEventLoop());
                            read.complete(bytes.toString(StandardCharsets.UTF_8));
                          }
                        });
                channel.config().setAutoRead(true);
                return channel.writeAndFlush(Unpooled.copiedBuffer(new byte[] {7}));
              })
          .get();
      assertEquals("hello", read.get(30, TimeUnit.SECONDS));
      assertEquals(7, accepted.getInputStream().read());
      // Once the dial has ended, a later attempt is a dial of its own.
      names.answer("again.example", "127.0.0.1");
      connected(dialOn(loop, dialer, attempt(id, tcp("again.example", server.getLocalPort()), 6)))
          .close()
          .sync();
      channel.close().sync();
      assertEquals(-1, accepted.getInputStream().read());
    }
  }

  @Test
  void allAttemptsHearOfAFailure() throws Exception {
    names.hold("slow.example");
    TargetDialer dialer = dialer(LONG, 8);
    StreamId id = StreamId.random();
    Target target = tcp("slow.example", 80);
    CompletableFuture<DialResult> first = dialOn(loop, dialer, attempt(id, target, 0));
    CompletableFuture<DialResult> second = dialOn(secondLoop(), dialer, attempt(id, target, 1));
    release();
    assertEquals(FaultCode.TARGET_UNKNOWN, refused(first).code());
    assertEquals(FaultCode.TARGET_UNKNOWN, refused(second).code());
    assertEquals(0, dialer.pending());
  }

  @Test
  void theDialGoesOnForTheOthersAndEndsWithTheLast() throws Exception {
    ServerSocket server = listening("127.0.0.1");
    Target target = waitingFor(server);
    TargetDialer dialer = dialer(LONG, 8);
    EventLoop other = secondLoop();
    StreamId id = StreamId.random();
    dialOn(loop, dialer, attempt(id, target, 0));
    CompletableFuture<DialResult> second = dialOn(other, dialer, attempt(id, target, 1));
    dialOn(other, dialer, attempt(id, target, 2));
    loop.submit(handles.get(0)::cancel).get();
    other.submit(handles.get(2)::cancel).get();
    assertEquals(1, dialer.pending());
    // What is known stays known, though who came with it is gone.
    assertEquals(
        FaultCode.STREAM_PROTOCOL, refused(dialOn(loop, dialer, attempt(id, target, 2))).code());
    release("127.0.0.1");
    connected(second).close().sync();
    StreamId next = StreamId.random();
    names.hold("slow.example");
    dialOn(loop, dialer, attempt(next, target, 0));
    dialOn(other, dialer, attempt(next, target, 1));
    loop.submit(handles.get(handles.size() - 2)::cancel).get();
    assertEquals(1, dialer.pending());
    other.submit(handles.get(handles.size() - 1)::cancel).get();
    assertEquals(0, dialer.pending());
  }

  /** It gives up while the connection is on its way to its loop. */
  @Test
  void aWinnerThatIsGoneLeavesTheConnectionToTheNextAttempt() throws Exception {
    ServerSocket server = listening("127.0.0.1");
    Target target = waitingFor(server);
    TargetDialer dialer = dialer(LONG, 8);
    EventLoop other = secondLoop();
    StreamId id = StreamId.random();
    CompletableFuture<DialResult> first = dialOn(loop, dialer, attempt(id, target, 0));
    CompletableFuture<DialResult> second = dialOn(other, dialer, attempt(id, target, 1));
    CountDownLatch go = new CountDownLatch(1);
    other.execute(
        () -> {
          try {
            go.await();
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
          handles.get(1).cancel();
        });
    release("127.0.0.1");
    Eventually.holds(() -> dialer.pending() == 0, () -> "the target has accepted");
    go.countDown();
    DuplexChannel channel = connected(first);
    assertSame(loop, channel.eventLoop());
    assertFalse(second.isDone());
    try (Socket accepted = server.accept()) {
      channel.close().sync();
      assertEquals(-1, accepted.getInputStream().read());
    }
  }

  @Test
  void whoWantsAnotherTargetOrIsOneTooManyDoesNotJoin() throws Exception {
    names.hold("slow.example");
    TargetDialer dialer = dialer(LONG, 8);
    StreamId id = StreamId.random();
    Target target = tcp("slow.example", 80);
    for (int i = 0; i < SharedDial.MAX_WAITING; i++) {
      assertFalse(dialOn(loop, dialer, attempt(id, target, i)).isDone());
    }
    assertEquals(
        FaultCode.STREAM_PROTOCOL,
        refused(dialOn(loop, dialer, attempt(id, tcp("slow.example", 81), 50))).code());
    assertEquals(
        FaultCode.OVERLOADED, refused(dialOn(loop, dialer, attempt(id, target, 51))).code());
    assertEquals(1, dialer.pending());
  }

  @Test
  void aSocketOfTheUnixDomainIsDialledWhereARuleAllowsIt(@TempDir Path dir) throws Exception {
    Assumptions.assumeTrue(Epoll.isAvailable(), "needs epoll");
    Path path = dir.resolve("app.sock");
    rules = AllowRules.parse(List.of("unix/" + dir + "/*.sock"));
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(path));
      DuplexChannel channel = connected(dial(dialer(LONG, 8), new Target.Unix(path.toString())));
      assertTrue(channel.config().getOption(ChannelOption.ALLOW_HALF_CLOSURE));
      try (SocketChannel accepted = server.accept()) {
        assertTrue(accepted.isConnected());
        channel.close().sync();
      }
      rules = AllowRules.LOOPBACK;
      assertEquals(
          FaultCode.FORBIDDEN,
          refused(dial(dialer(LONG, 8), new Target.Unix(path.toString()))).code());
    }
  }

  @Test
  void aSocketThatIsNotThereIsUnknownAndOneWithoutAServerRefuses(@TempDir Path dir)
      throws Exception {
    Assumptions.assumeTrue(Epoll.isAvailable(), "needs epoll");
    Path path = dir.resolve("app.sock");
    rules = AllowRules.parse(List.of("unix/" + dir + "/*.sock"));
    Target target = new Target.Unix(path.toString());
    DialResult.Refused absent = refused(dial(dialer(LONG, 8), target));
    assertEquals(FaultCode.TARGET_UNKNOWN, absent.code());
    assertEquals("no such socket", absent.detail());
    ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    server.bind(UnixDomainSocketAddress.of(path));
    server.close();
    DialResult.Refused dead = refused(dial(dialer(LONG, 8), target));
    assertEquals(FaultCode.TARGET_REFUSED, dead.code());
    assertEquals("connection refused", dead.detail());
  }

  @Test
  void withoutEpollASocketOfTheUnixDomainIsUnsupported() throws Exception {
    group.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync();
    transport = Transport.nio();
    startLoop();
    rules = AllowRules.parse(List.of("unix//run/app.sock"));
    DialResult.Refused refused = refused(dial(dialer(LONG, 8), new Target.Unix("/run/app.sock")));
    assertEquals(FaultCode.UNSUPPORTED, refused.code());
    assertEquals(
        "this agent cannot dial sockets of the Unix domain (it needs epoll, and" + " runs on nio)",
        refused.detail());
  }

  // ---- what the sentences above are made of

  private TargetDialer dialer(Duration timeout, int maxPending) {
    return new TargetDialer(transport, names, rules, new RefusalLog(), timeout, maxPending);
  }

  private EventLoop secondLoop() {
    EventLoopGroup second = transport.eventLoops(1);
    closeables.add(() -> second.shutdownGracefully(0, 5, TimeUnit.SECONDS).sync());
    return second.next();
  }

  private static Target tcp(String host, int port) {
    return new Target.Tcp(host, port);
  }

  private static DialRequest request(Target target, Duration deadline) {
    return new DialRequest(
        new DialRequest.Key(SESSION, StreamId.random(), "ann"), target, deadline, 0);
  }

  private CompletableFuture<DialResult> dial(TargetDialer dialer, Target target) {
    return dial(dialer, request(target, LONG));
  }

  private CompletableFuture<DialResult> dial(TargetDialer dialer, DialRequest request) {
    CompletableFuture<DialResult> result = new CompletableFuture<>();
    loop.execute(() -> dialer.dial(request, loop, result::complete));
    return result;
  }

  private static DuplexChannel connected(CompletableFuture<DialResult> result) throws Exception {
    return assertInstanceOf(DialResult.Connected.class, result.get(30, TimeUnit.SECONDS)).channel();
  }

  private static DialResult.Refused refused(CompletableFuture<DialResult> result) throws Exception {
    return assertInstanceOf(DialResult.Refused.class, result.get(30, TimeUnit.SECONDS));
  }

  private <T> T onLoop(java.util.concurrent.Callable<T> task) throws Exception {
    return loop.submit(task).get(30, TimeUnit.SECONDS);
  }

  private ServerSocket listening(String address) throws IOException {
    ServerSocket server = new ServerSocket();
    server.bind(Loopback.at(address, 0));
    closeables.add(server);
    return server;
  }

  private static int closedPort() throws IOException {
    try (ServerSocket server = new ServerSocket()) {
      server.bind(Loopback.anyPort());
      return server.getLocalPort();
    }
  }

  private static void assertNobodyCame(ServerSocket server) throws IOException {
    server.setSoTimeout(1);
    try (Socket came = server.accept()) {
      throw new AssertionError("unexpected connection from " + came);
    } catch (java.net.SocketTimeoutException expected) {
      assertTrue(server.isBound());
    }
  }

  private BlackHole blackHole(String address, int port) throws IOException {
    BlackHole hole = new BlackHole(address, port);
    closeables.add(hole);
    return hole;
  }

  /** Connections of this machine to a port that wait for an answer; a hole's own are among them. */
  private static long connecting(int port) throws IOException {
    String suffix = String.format(":%04X", port);
    long count = 0;
    for (String table : List.of("/proc/net/tcp", "/proc/net/tcp6")) {
      Assumptions.assumeTrue(Files.isReadable(Path.of(table)), "needs /proc");
      count +=
          Files.readAllLines(Path.of(table)).stream()
              .map(line -> line.trim().split("\\s+"))
              .filter(fields -> fields[2].endsWith(suffix) && fields[3].equals("02"))
              .count();
    }
    return count;
  }
}

package dev.warren.agent.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warren.agent.Loopback;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.handler.codec.dns.DatagramDnsQuery;
import io.netty.handler.codec.dns.DatagramDnsQueryDecoder;
import io.netty.handler.codec.dns.DatagramDnsResponse;
import io.netty.handler.codec.dns.DatagramDnsResponseEncoder;
import io.netty.handler.codec.dns.DefaultDnsQuestion;
import io.netty.handler.codec.dns.DefaultDnsRawRecord;
import io.netty.handler.codec.dns.DnsQuestion;
import io.netty.handler.codec.dns.DnsRecordType;
import io.netty.handler.codec.dns.DnsResponseCode;
import io.netty.handler.codec.dns.DnsSection;
import io.netty.resolver.dns.SingletonDnsServerAddressStreamProvider;
import io.netty.util.concurrent.Future;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NamesTest {
  private final Transport transport = Transport.nio();
  private final AtomicInteger questions = new AtomicInteger();

  @TempDir Path directory;
  private EventLoopGroup group;
  private EventLoop loop;
  private Channel server;
  private long now;

  @BeforeEach
  void start() {
    group = transport.eventLoops(1);
    loop = group.next();
    server =
        new Bootstrap()
            .group(group)
            .channel(NioDatagramChannel.class)
            .handler(
                new ChannelInitializer<>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    channel
                        .pipeline()
                        .addLast(
                            new DatagramDnsQueryDecoder(),
                            new DatagramDnsResponseEncoder(),
                            new ScriptedDns());
                  }
                })
            .bind(Loopback.anyPort())
            .syncUninterruptibly()
            .channel();
  }

  @AfterEach
  void stop() {
    group.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
  }

  @Test
  void allAddressesOfANameComeIpv4First() throws Exception {
    try (Names names = dns()) {
      assertEquals(List.of("10.0.0.1", "2001:db8::1"), shown(names, "both.example."));
    }
  }

  @Test
  void aNameThatTheServerDoesNotKnowIsUnknown() {
    try (Names names = dns()) {
      Future<?> lookup = names.addresses("nowhere.example.", loop).awaitUninterruptibly();
      assertInstanceOf(UnknownHostException.class, lookup.cause());
    }
  }

  /** What an address is mapped to is what a socket connects to, and what the rules judge. */
  @Test
  void aMappedAddressIsIpv4() throws Exception {
    try (Names names = dns()) {
      assertEquals(List.of("127.0.0.1"), shown(names, "mapped.example."));
    }
  }

  @Test
  void localhostIsLoopbackWhateverServersSay() throws Exception {
    try (Names names = new SystemNames(transport)) {
      assertEquals(List.of("127.0.0.1", "::1"), shown(names, "localhost"));
      assertEquals(List.of("127.0.0.1", "::1"), shown(names, "app.localhost"));
    }
    assertEquals(0, questions.get());
  }

  @Test
  void filesThatChangedAreReadAgainAfterAWhile() throws Exception {
    Path resolvConf = Files.writeString(directory.resolve("resolv.conf"), resolvConf());
    Path hosts = Files.writeString(directory.resolve("hosts"), "");
    try (SystemNames names = new SystemNames(transport, resolvConf, hosts, () -> now)) {
      Names first = names.current(loop);
      assertInstanceOf(DnsNames.class, first);
      Files.writeString(resolvConf, "# the network is gone\n");
      now += SystemNames.LOOK_AGAIN.toNanos() - 1;
      assertEquals(first, names.current(loop));
      now++;
      Names second = names.current(loop);
      assertInstanceOf(JvmNames.class, second);
      now += SystemNames.LOOK_AGAIN.toNanos();
      assertEquals(second, names.current(loop));
      Files.writeString(hosts, "10.0.0.9 changed\n");
      now += SystemNames.LOOK_AGAIN.toNanos();
      assertTrue(second != names.current(loop));
      Files.delete(resolvConf);
      now += SystemNames.LOOK_AGAIN.toNanos();
      assertInstanceOf(JvmNames.class, names.current(loop));
    }
  }

  /** As where a machine has no resolv.conf: the system is asked, and nobody in the internet. */
  @Test
  void withoutServersTheSystemIsAsked() throws Exception {
    Names names =
        new JvmNames(
            name -> {
              if (name.equals("printer")) {
                return new InetAddress[] {InetAddress.getByAddress(new byte[] {10, 0, 0, 7})};
              }
              throw new UnknownHostException(name);
            });
    try (names) {
      assertEquals(List.of("10.0.0.7"), shown(names, "printer"));
      Future<?> lookup = names.addresses("nowhere", loop).awaitUninterruptibly();
      assertInstanceOf(UnknownHostException.class, lookup.cause());
    }
  }

  @Test
  void moreBlockingQuestionsThanTheLimitAreAnsweredAtOnce() throws Exception {
    CountDownLatch open = new CountDownLatch(1);
    Names names =
        new JvmNames(
            name -> {
              try {
                open.await();
              } catch (InterruptedException e) {
                throw new UnknownHostException(name);
              }
              return new InetAddress[] {InetAddress.getByAddress(new byte[] {10, 0, 0, 7})};
            });
    try (names) {
      List<Future<List<InetAddress>>> lookups = new ArrayList<>();
      for (int i = 0; i < JvmNames.MAX_THREADS + JvmNames.MAX_WAITING; i++) {
        lookups.add(names.addresses("printer", loop));
      }
      Future<?> oneMore = names.addresses("printer", loop).awaitUninterruptibly();
      assertInstanceOf(UnknownHostException.class, oneMore.cause());
      open.countDown();
      for (Future<?> lookup : lookups) {
        assertNull(lookup.awaitUninterruptibly().cause());
      }
    }
  }

  private Names dns() {
    return new DnsNames(
        transport,
        new SingletonDnsServerAddressStreamProvider((InetSocketAddress) server.localAddress()));
  }

  private String resolvConf() {
    return "nameserver 127.0.0.1\n";
  }

  private List<String> shown(Names names, String name) throws InterruptedException {
    return names.addresses(name, loop).sync().getNow().stream().map(HostText::shown).toList();
  }

  /** Answers from a table, and NXDOMAIN for the rest. */
  private final class ScriptedDns extends SimpleChannelInboundHandler<DatagramDnsQuery> {
    private static final Map<String, byte[]> A = Map.of("both.example.", new byte[] {10, 0, 0, 1});
    private static final Map<String, byte[]> AAAA =
        Map.of(
            "both.example.",
                new byte[] {0x20, 1, 0xd, (byte) 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
            "mapped.example.", new byte[] {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, 127, 0, 0, 1});

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, DatagramDnsQuery query) {
      questions.incrementAndGet();
      DnsQuestion question = query.recordAt(DnsSection.QUESTION);
      DatagramDnsResponse response =
          new DatagramDnsResponse(query.recipient(), query.sender(), query.id());
      response.addRecord(
          DnsSection.QUESTION, new DefaultDnsQuestion(question.name(), question.type()));
      byte[] address = (question.type().equals(DnsRecordType.A) ? A : AAAA).get(question.name());
      if (address != null) {
        response.addRecord(
            DnsSection.ANSWER,
            new DefaultDnsRawRecord(
                question.name(), question.type(), 60, ctx.alloc().buffer().writeBytes(address)));
      } else if (!A.containsKey(question.name()) && !AAAA.containsKey(question.name())) {
        response.setCode(DnsResponseCode.NXDOMAIN);
      }
      ctx.writeAndFlush(response);
    }
  }
}

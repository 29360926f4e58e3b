package dev.warren.peer.link;

import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.check.CheckResults;
import dev.warren.peer.route.Ranks;
import dev.warren.peer.route.RouteTable;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.session.DuplicatePolicy;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.EventLoopGroup;
import io.netty.handler.codec.ByteToMessageDecoder;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** A gateway that consists of its table and its links. */
final class TestGateway implements AutoCloseable {
  private static final byte[] KEY = "key".getBytes(StandardCharsets.UTF_8);

  final GatewayIdentity identity;
  final RouteTable table;
  final CheckResults checks = new CheckResults(System::nanoTime);
  final Links links;
  final CreditBudget budget = new CreditBudget(64L << 20);

  /**
   * All connections of its links, as long as they last; those that it dialled are in {@link
   * #dialled}.
   */
  final List<Channel> channels = new CopyOnWriteArrayList<>();

  final List<Channel> dialled = new CopyOnWriteArrayList<>();

  /** What stands for a wire that is cut and never noticed: dials fail while this is so. */
  volatile boolean unreachable;

  TestGateway(EventLoopGroup loops, String id, long incarnation, InetSocketAddress... join)
      throws IOException {
    this(loops, id, incarnation, Duration.ofMillis(300), join);
  }

  TestGateway(
      EventLoopGroup loops,
      String id,
      long incarnation,
      Duration lostAfter,
      InetSocketAddress... join)
      throws IOException {
    identity = new GatewayIdentity(id, new Incarnation(incarnation, 0));
    table =
        new RouteTable(
            identity,
            DuplicatePolicy.NEWEST,
            new Ranks(() -> List.of(KEY), incarnation),
            System::nanoTime);
    List<JoinAddress> names =
        List.of(join).stream()
            .map(address -> new JoinAddress(address.getHostString(), address.getPort()))
            .toList();
    links =
        Links.start(
            identity,
            "test/1",
            new LinkSettings(
                new InetSocketAddress("127.0.0.1", 0),
                "",
                names,
                2,
                Duration.ofMillis(50),
                Duration.ofSeconds(5),
                lostAfter,
                Duration.ofSeconds(3),
                Duration.ZERO),
            new Plaintext(),
            loops,
            table,
            checks,
            budget,
            false);
  }

  InetSocketAddress address() {
    return links.address();
  }

  /** The link to a gateway, or null. */
  Links.Status statusOf(TestGateway peer) {
    for (Links.Status status : links.status()) {
      if (status.peer().equals(peer.identity)) {
        return status;
      }
    }
    return null;
  }

  boolean isLinkedTo(TestGateway peer) {
    Links.Status status = statusOf(peer);
    return status != null && status.up();
  }

  boolean hasRoute(SessionKey session, TestGateway holder) {
    return table.find(session).routes().stream()
        .anyMatch(route -> route.holder().equals(holder.identity));
  }

  static void await(String otherwise, BooleanSupplier condition) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError(otherwise);
      }
      LockSupport.parkNanos(2_000_000);
    }
  }

  @Override
  public void close() {
    links.close();
  }

  /** Both sides say who they are, and are believed. */
  private final class Plaintext implements LinkSecurity {
    @Override
    public void accept(Channel channel, Consumer<GatewayIdentity> proven) {
      keep(channels, channel);
      if (unreachable) {
        channel.close();
        return;
      }
      channel.pipeline().addLast(new Introduction(proven));
    }

    @Override
    public void dial(Channel channel, InetSocketAddress address, Consumer<GatewayIdentity> proven) {
      keep(channels, channel);
      keep(dialled, channel);
      if (unreachable) {
        channel.close();
        return;
      }
      channel.pipeline().addLast(new Introduction(proven));
    }

    private void keep(List<Channel> all, Channel channel) {
      all.add(channel);
      channel.closeFuture().addListener(closed -> all.remove(channel));
    }
  }

  private final class Introduction extends ByteToMessageDecoder {
    private final Consumer<GatewayIdentity> proven;

    Introduction(Consumer<GatewayIdentity> proven) {
      this.proven = proven;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
      byte[] id = identity.id().getBytes(StandardCharsets.US_ASCII);
      context.writeAndFlush(
          Unpooled.buffer()
              .writeByte(id.length)
              .writeBytes(id)
              .writeBytes(identity.incarnation().toBytes()));
    }

    @Override
    protected void decode(ChannelHandlerContext context, ByteBuf in, List<Object> out) {
      if (in.readableBytes() < 1 || in.readableBytes() < 17 + in.getByte(in.readerIndex())) {
        return;
      }
      byte[] id = new byte[in.readByte()];
      in.readBytes(id);
      byte[] life = new byte[16];
      in.readBytes(life);
      proven.accept(
          new GatewayIdentity(new String(id, StandardCharsets.US_ASCII), Incarnation.of(life)));
      context.pipeline().remove(this); // what is left is passed on
    }
  }
}

package dev.warren.peer.link;

import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.check.CheckNews;
import dev.warren.peer.check.CheckResult;
import dev.warren.peer.check.CheckResults;
import dev.warren.peer.check.CheckWire;
import dev.warren.peer.control.Neighbours;
import dev.warren.peer.control.Standing;
import dev.warren.peer.dial.PeerPaths;
import dev.warren.peer.route.Announced;
import dev.warren.peer.route.Announcements;
import dev.warren.peer.route.OwnTunnel;
import dev.warren.peer.route.Route;
import dev.warren.peer.route.RouteTable;
import dev.warren.peer.route.RouteWire;
import dev.warren.peer.wire.Acknowledged;
import dev.warren.peer.wire.Address;
import dev.warren.peer.wire.CountQuestion;
import dev.warren.peer.wire.Known;
import dev.warren.peer.wire.Peering;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.Incarnation;
import dev.warren.protocol.SessionKey;
import dev.warren.protocol.channel.RelayBridge;
import dev.warren.protocol.channel.TunnelHandler;
import dev.warren.protocol.channel.Tunnels;
import dev.warren.protocol.flow.CreditBudget;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.mux.Mux;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.mux.Opening;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.NetUtil;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The links of this gateway. Finds the other gateways by the names it was given and by what they
 * tell each other, dials them, takes their connections in, announces the tunnels that end here and
 * takes in what they announce. Where both sides dial, the connections that the smaller incarnation
 * dialled stay.
 *
 * <p>What concerns a link as a whole lives on one event loop, its connections on all of them.
 */
public final class Links implements PeerPaths, Neighbours, Fronts, HolderCounts, AutoCloseable {
  /** Gateways that this one knows at one time; a life of a gateway counts. */
  public static final int MAX_LINKS = 64;

  /** Streams of one connection that are open, and those that are not answered yet. */
  static final Frame.Limits LIMITS = new Frame.Limits(64 * 1024 - 64, 65_536, 16_384);

  private static final Duration TICK = Duration.ofMillis(100);
  private static final Duration SELF_AGAIN = Duration.ofMinutes(1);
  private static final Duration TOLD_AGAIN = Duration.ofMinutes(1);
  private static final Logger log = LoggerFactory.getLogger(Links.class);

  private final GatewayIdentity self;
  private final String software;
  private final LinkSettings settings;
  private final LinkSecurity security;
  private final EventLoopGroup loops;
  private final LinkLoops linkLoops;
  private final EventLoop home;
  private final RouteTable table;
  private final CheckResults checks;
  private final CreditBudget budget;
  private final MuxSettings muxSettings;
  private final boolean logFrames;
  private final RandomGenerator random = new SplittableRandom();
  private final long startedAt = System.nanoTime();
  private final AtomicLong sequences = new AtomicLong();
  private final AtomicLong dialNumbers = new AtomicLong();
  private final AtomicLong refusedPeers = new AtomicLong();
  private final ChannelGroup channels = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
  private final ConcurrentHashMap<Incarnation, Link> links = new ConcurrentHashMap<>();
  private final Map<String, Long> toldAt = new HashMap<>(); // on home
  private final CountQuestions questions = new CountQuestions();
  private final Addresses addresses;
  private final Channel listener;
  private final String advertised;
  private volatile Consumer<Incarnation> linkUp = peer -> {};
  private volatile Runnable onChange = () -> {};
  private volatile Standing mine;
  private volatile Front myFront;
  private volatile boolean closed;
  private Future<?> ticks;

  /**
   * One link, for status pages.
   *
   * @param up whether it has a connection
   * @param complete whether all tunnels of the peer are known
   * @param roundTripNanos smoothed; 0 before the first measurement
   */
  public record Status(
      GatewayIdentity peer,
      String address,
      boolean up,
      int connections,
      int streams,
      long roundTripNanos,
      boolean complete,
      boolean answeredLately,
      long sinceMillis,
      long bytesSent,
      long bytesReceived) {}

  private Links(
      GatewayIdentity self,
      String software,
      LinkSettings settings,
      LinkSecurity security,
      EventLoopGroup loops,
      RouteTable table,
      CheckResults checks,
      CreditBudget budget,
      boolean logFrames)
      throws IOException {
    this.self = self;
    this.software = software;
    this.settings = settings;
    this.security = security;
    this.loops = loops;
    this.linkLoops = new LinkLoops(loops);
    this.home = loops.next();
    this.table = table;
    this.checks = checks;
    this.budget = budget;
    this.logFrames = logFrames;
    this.muxSettings =
        new MuxSettings(
            LIMITS, settings.heartbeat(), settings.handshake(), MuxSettings.DEFAULT.quantum());
    this.mine = Standing.none(self, software);
    this.addresses = new Addresses(settings.join(), home::execute);
    this.listener = bind();
    this.advertised =
        settings.advertise().isEmpty()
            ? NetUtil.toSocketAddressString(address())
            : settings.advertise();
  }

  /**
   * Listens, and begins to look for others.
   *
   * @param software what this gateway calls itself
   * @param checks what was found here is told to peers, and what they found is put there
   * @param budget shared with the tunnels
   * @throws IOException where the address cannot be bound
   */
  public static Links start(
      GatewayIdentity self,
      String software,
      LinkSettings settings,
      LinkSecurity security,
      EventLoopGroup loops,
      RouteTable table,
      CheckResults checks,
      CreditBudget budget,
      boolean logFrames)
      throws IOException {
    Links links =
        new Links(self, software, settings, security, loops, table, checks, budget, logFrames);
    table.listen(links.new Announcer());
    checks.listen(links::checked);
    links.ticks =
        links.home.scheduleWithFixedDelay(links::tick, 0, TICK.toMillis(), TimeUnit.MILLISECONDS);
    return links;
  }

  private Channel bind() throws IOException {
    Class<? extends ServerChannel> kind =
        Epoll.isAvailable() ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
    ChannelFuture bound =
        new ServerBootstrap()
            .group(loops, linkLoops)
            .channel(kind)
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    channels.add(channel);
                    security.accept(channel, peer -> accepted(channel, peer));
                  }
                })
            .bind(settings.listen())
            .awaitUninterruptibly();
    if (!bound.isSuccess()) {
      throw new IOException(
          "--link-listen: cannot bind " + settings.listen() + ": " + bound.cause().getMessage(),
          bound.cause());
    }
    return bound.channel();
  }

  /** Where it listens; the port that was taken where 0 was asked for. */
  public InetSocketAddress address() {
    return (InetSocketAddress) listener.localAddress();
  }

  /** Where others reach it, HOST:PORT. */
  public String advertised() {
    return advertised;
  }

  /** {@code told} hears of each link that comes up, on some event loop. */
  public void onLinkUp(Consumer<Incarnation> told) {
    linkUp = told;
  }

  // ---- finding the others ----

  private void tick() {
    if (closed) {
      return;
    }
    try {
      long now = System.nanoTime();
      addresses.tick(now);
      for (Addresses.Address address : addresses.due(now)) {
        if (isWanted(address.leadsTo())) {
          dial(address);
        }
      }
      for (Iterator<Link> all = links.values().iterator(); all.hasNext(); ) {
        Link link = all.next();
        link.listen(now);
        retire(link);
        if (link.isUp()) {
          link.tellChecks();
          if (!link.address().isEmpty()) {
            addresses.learn(JoinAddress.ofLink(link.address()), now); // it is of use
          }
        } else if (now - link.lostAt() >= settings.lostAfter().toNanos()) {
          forget(link, "no connection for " + settings.lostAfter().toMillis() + " ms");
          Duration kept = link.wasUp() ? Addresses.KEPT : settings.handshake();
          if (link.dialling() == 0 && now - link.lostAt() >= kept.toNanos()) {
            all.remove();
          }
        }
      }
    } catch (RuntimeException e) { // the next tick must come
      log.atError().setCause(e).log("link.tick.failed");
    }
  }

  /** Whether one more connection to whoever was at an address last would be of use. */
  private boolean isWanted(GatewayIdentity peer) {
    if (peer == null || peer.equals(self)) {
      return true; // to find out who is there
    }
    Link link = links.get(peer.incarnation());
    if (link == null || !link.isUp()) {
      return link == null || link.dialling() == 0;
    }
    return oursStay(peer) && link.count(true) + link.dialling() < settings.connections();
  }

  /** Whether, of two bundles, the one that we dialled stays. */
  private boolean oursStay(GatewayIdentity peer) {
    return self.incarnation().compareTo(peer.incarnation()) < 0;
  }

  private void dial(Addresses.Address address) {
    address.dialling();
    Link expected = address.leadsTo() == null ? null : links.get(address.leadsTo().incarnation());
    if (expected != null) {
      expected.dialling(address);
    }
    Class<? extends SocketChannel> kind =
        Epoll.isAvailable() ? EpollSocketChannel.class : NioSocketChannel.class;
    boolean[] known = new boolean[1]; // on home: somebody proved who it is, or nobody will
    Runnable nobody =
        () -> {
          if (!known[0]) {
            known[0] = true;
            settled(expected, address);
            address.failed(System.nanoTime(), random);
          }
        };
    LinkLoops.Placed placed = linkLoops.place(address.socket());
    new Bootstrap()
        .group(placed.loop())
        .channel(kind)
        .option(ChannelOption.TCP_NODELAY, true)
        .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) settings.handshake().toMillis())
        .handler(
            new ChannelInitializer<Channel>() {
              @Override
              protected void initChannel(Channel channel) {
                channels.add(channel);
                channel.closeFuture().addListener(over -> home.execute(nobody));
                channel.closeFuture().addListener(over -> placed.over());
                security.dial(
                    channel,
                    address.socket(),
                    peer -> {
                      // Nothing is read before it is clear what becomes of it.
                      channel.config().setAutoRead(false);
                      home.execute(
                          () -> {
                            if (!known[0]) {
                              known[0] = true;
                              settled(expected, address);
                              found(channel, address, peer);
                            }
                          });
                    });
              }
            })
        .connect(address.socket())
        .addListener(
            (ChannelFutureListener)
                connect -> {
                  if (!connect.isSuccess()) {
                    log.atDebug()
                        .addKeyValue("address", address.socket())
                        .addKeyValue("reason", connect.cause().getMessage())
                        .log("link.dial.failed");
                    connect.channel().close();
                    placed.over();
                    home.execute(nobody); // it may never have come to a channel
                  }
                });
  }

  private static void settled(Link link, Object dial) {
    if (link != null) {
      link.dialSettled(dial);
    }
  }

  /** On home: an address has answered, and proved who it is. */
  private void found(Channel channel, Addresses.Address address, GatewayIdentity peer) {
    long now = System.nanoTime();
    if (peer.incarnation().equals(self.incarnation())) {
      address.found(self, now, SELF_AGAIN);
      channel.close();
      return;
    }
    address.found(peer, now, TICK);
    if (closed) {
      channel.close();
      return;
    }
    if (!isUnique(peer, channel.remoteAddress())) {
      address.failed(now, random);
      channel.eventLoop().execute(() -> refuse(channel, peer));
      return;
    }
    Link link = link(peer);
    if (link == null || (link.isUp() && !isWanted(peer))) {
      channel.close();
      return;
    }
    link.dialling(channel); // until it is up, or gone
    channel
        .closeFuture()
        .addListener(
            over ->
                home.execute(
                    () -> {
                      if (link.dialSettled(channel)) { // it never was: not again at once
                        address.failed(System.nanoTime(), random);
                      }
                    }));
    channel
        .eventLoop()
        .execute(
            () -> {
              TunnelHandler handler = handler(channel, Mux.Side.DIALLED, peer, address);
              handler
                  .mux()
                  .start(LinkConnection.hello(self, dialNumbers.incrementAndGet(), software));
              install(channel, handler);
            });
  }

  /** On the channel's loop: says why there will be no link, so that the other side is loud too. */
  private void refuse(Channel channel, GatewayIdentity peer) {
    TunnelHandler handler = handler(channel, Mux.Side.DIALLED, peer, null);
    handler.mux().goAway(FaultCode.UNAUTHORIZED, notUnique(peer), 0);
    install(channel, handler);
  }

  private static String notUnique(GatewayIdentity peer) {
    return "another gateway with the id " + peer.id() + " is alive: give one another --id";
  }

  /** On the channel's loop: a gateway that dialled us has proved who it is. */
  private void accepted(Channel channel, GatewayIdentity peer) {
    install(channel, handler(channel, Mux.Side.ACCEPTED, peer, null));
  }

  /**
   * @param address where we dialled it; null where we did not, or will not use it
   */
  private TunnelHandler handler(
      Channel channel, Mux.Side side, GatewayIdentity peer, Addresses.Address address) {
    return new TunnelHandler(
        side,
        muxSettings,
        budget,
        made ->
            new LinkConnection(
                this, peer, side == Mux.Side.DIALLED, address, channel.remoteAddress(), made));
  }

  private void install(Channel channel, TunnelHandler handler) {
    Tunnels.installRaw(channel.pipeline(), handler, logFrames);
    channel.config().setAutoRead(true);
  }

  /**
   * Whether no other life of a gateway with this id is alive. Where one is, both sides say so
   * loudly: it is a mistake that an operator must mend.
   */
  private boolean isUnique(GatewayIdentity peer, Object remote) {
    String taken = null;
    if (peer.id().equals(self.id())) {
      taken = "this gateway itself, " + self;
    } else {
      for (Link link : links.values()) {
        if (link.isUp()
            && link.peer().id().equals(peer.id())
            && !link.peer().incarnation().equals(peer.incarnation())) {
          taken = "the gateway " + link.peer() + " at " + link.address();
        }
      }
    }
    if (taken == null) {
      return true;
    }
    refusedPeers.incrementAndGet();
    if (isToBeTold("unique " + peer.id())) {
      log.atError()
          .addKeyValue("id", peer.id())
          .addKeyValue("peer", peer)
          .addKeyValue("remote", remote)
          .addKeyValue("taken-by", taken)
          .addKeyValue("reason", "two gateways with one --id: give one of them another")
          .log("link.duplicate-id");
    }
    return false;
  }

  /** Whether this was not said within the last minute: dials come again and again. */
  private boolean isToBeTold(String what) {
    long now = System.nanoTime();
    Long told = toldAt.get(what);
    if (told != null && now - told <= TOLD_AGAIN.toNanos()) {
      return false;
    }
    if (toldAt.size() > 2 * MAX_LINKS) {
      toldAt.clear();
    }
    toldAt.put(what, now);
    return true;
  }

  /** On home: the link to this life of a gateway; null where there are too many. */
  private Link link(GatewayIdentity peer) {
    Link known = links.get(peer.incarnation());
    if (known != null) {
      return known;
    }
    for (Iterator<Link> all = links.values().iterator(); all.hasNext(); ) {
      Link former = all.next();
      if (former.peer().id().equals(peer.id()) && !former.isUp()) {
        forget(former, "the gateway lives again as " + peer);
        all.remove();
      }
    }
    if (links.size() >= MAX_LINKS) {
      links.values().removeIf(link -> !link.isUp() && link.isForgotten());
      if (links.size() >= MAX_LINKS) {
        return null;
      }
    }
    Link made =
        new Link(
            peer,
            new Announcements(sequences::incrementAndGet),
            new Announced(peer, table),
            new CheckNews(checks),
            settings.silence().toNanos(),
            System.nanoTime());
    links.put(peer.incarnation(), made);
    return made;
  }

  // ---- what connections tell; from any loop ----

  /** A gateway that dialled us has introduced itself. */
  void admit(LinkConnection connection) {
    home.execute(
        () -> {
          GatewayIdentity peer = connection.peer();
          if (peer.incarnation().equals(self.incarnation())) {
            connection.end(FaultCode.UNAUTHORIZED, "a gateway has no link to itself");
          } else if (!isUnique(peer, connection.remote())) {
            connection.end(FaultCode.UNAUTHORIZED, notUnique(peer));
          } else {
            Link link = link(peer);
            if (closed) {
              connection.end(FaultCode.SHUTDOWN, "the gateway is going down");
            } else if (link == null) {
              connection.end(FaultCode.TOO_MANY, MAX_LINKS + " gateways are known already");
            } else if (link.connections().size() >= 2 * LinkSettings.MAX_CONNECTIONS) {
              connection.end(FaultCode.TOO_MANY, "this link has connections enough");
            } else {
              connection.welcome(self, software);
            }
          }
        });
  }

  /** Both sides know each other: streams may go over it. */
  void up(LinkConnection connection) {
    home.execute(
        () -> {
          if (connection.handler().mux() == null || !connection.handler().channel().isActive()) {
            return; // lost meanwhile, and told so
          }
          if (closed) {
            connection.end(FaultCode.SHUTDOWN, "the gateway is going down");
            return;
          }
          // Another life of it may have come up since this one was admitted.
          if (!isUnique(connection.peer(), connection.remote())) {
            connection.end(FaultCode.UNAUTHORIZED, notUnique(connection.peer()));
            return;
          }
          Link link = link(connection.peer());
          if (link == null) {
            connection.end(FaultCode.TOO_MANY, MAX_LINKS + " gateways are known already");
            return;
          }
          boolean first = !link.isUp();
          link.dialSettled(connection.handler().channel());
          if (connection.address() != null) {
            connection.address().good();
          }
          link.add(connection, System.nanoTime());
          if (first) {
            begin(link, connection);
          }
          linkUp.accept(link.peer().incarnation()); // dials may wait for one more connection, too
          retire(link);
        });
  }

  private void begin(Link link, LinkConnection connection) {
    log.atInfo()
        .addKeyValue("peer", link.peer())
        .addKeyValue("remote", connection.remote())
        .addKeyValue("dialled-by", connection.dialledByUs() ? "us" : "peer")
        .log("link.up");
    connection.tell(Peering.newBuilder().setStanding(mine.toWire(advertised)).build());
    connection.tell(Peering.newBuilder().setKnown(known()).build());
    if (myFront != null) {
      connection.tell(Peering.newBuilder().setFront(myFront.toWire()).build());
    }
    link.ask();
    link.announceAll(ownRoutes(), connection);
    link.checkNews().addAll(checks.all(self.incarnation()));
    onChange.run();
  }

  private List<Route> ownRoutes() {
    List<Route> all = new ArrayList<>();
    for (OwnTunnel tunnel : table.ownTunnels()) {
      all.add(route(tunnel));
    }
    return all;
  }

  /** A connection is gone. */
  void lost(LinkConnection connection, FaultCode code, String detail, boolean byPeer) {
    home.execute(
        () -> {
          Link link = links.get(connection.peer().incarnation());
          if (link == null || !link.remove(connection, System.nanoTime())) {
            if (code == FaultCode.UNAUTHORIZED
                && byPeer
                && isToBeTold("refused " + connection.peer())) {
              log.atError()
                  .addKeyValue("peer", connection.peer())
                  .addKeyValue("reason", detail)
                  .log("link.refused");
            }
            return;
          }
          if (link.isUp()) {
            link.announce(); // goes on over another connection
            link.checkNews().addAll(checks.all(self.incarnation())); // some may be lost
            link.askAgainAfter(connection);
            return;
          }
          log.atWarn()
              .addKeyValue("peer", link.peer())
              .addKeyValue("code", code)
              .addKeyValue("reason", detail)
              .log("link.lost");
          if (code == FaultCode.SHUTDOWN && byPeer) {
            forget(link, "the gateway has gone");
          }
          onChange.run();
        });
  }

  private static void forget(Link link, String why) {
    if (!link.isForgotten()) {
      link.forget();
      log.atInfo()
          .addKeyValue("peer", link.peer())
          .addKeyValue("reason", why)
          .log("link.routes.gone");
    }
  }

  /**
   * The bundle that does not stay takes no new streams, and ends when the old ones have. Not before
   * the other one is up at both sides: the peer would be without any.
   */
  private void retire(Link link) {
    boolean ours = oursStay(link.peer());
    if (!link.isProven(ours)) {
      return;
    }
    for (LinkConnection connection : link.connections()) {
      if (connection.dialledByUs() != ours) {
        connection.retiring = true;
        if (connection.dialledByUs() && connection.handler().streams() == 0) {
          // Not SHUTDOWN: that would say that this gateway goes.
          connection.end(FaultCode.TOO_MANY, "the connections of the other side stay");
        }
      }
    }
  }

  /** A peer told us something. */
  void told(LinkConnection connection, Peering message) {
    home.execute(
        () -> {
          Link link = links.get(connection.peer().incarnation());
          if (link == null || !connection.up) {
            return; // nobody would take back what it says when it is lost
          }
          try {
            take(link, connection, message);
          } catch (IllegalArgumentException e) {
            connection.end(FaultCode.PROTOCOL, "PEERING: " + e.getMessage());
          }
        });
  }

  private void take(Link link, LinkConnection connection, Peering message) {
    switch (message.getKindCase()) {
      case ROUTES -> {
        link.announced().take(RouteWire.fromWire(link.peer(), message.getRoutes()));
        connection.tell(
            Peering.newBuilder()
                .setAcknowledged(Acknowledged.newBuilder().setSequence(link.announced().sequence()))
                .build());
      }
      case ACKNOWLEDGED -> {
        long sequence = message.getAcknowledged().getSequence();
        link.announcements().acknowledged(sequence);
        if (message.getAcknowledged().getNothingKept()
            && link.announcements().needsSnapshot(sequence)) {
          link.announceAll(ownRoutes(), connection);
        } else {
          link.announce();
        }
      }
      case STANDING -> {
        String said = message.getStanding().getLink();
        JoinAddress where = said.isEmpty() ? null : JoinAddress.ofLink(said);
        boolean newAddress = where != null && !said.equals(link.address());
        link.standing(Standing.of(link.peer(), message.getStanding()), said);
        if (newAddress) {
          addresses.learn(where, System.nanoTime());
          tellAll(Peering.newBuilder().setKnown(known()).build());
        }
        onChange.run();
      }
      case KNOWN -> {
        for (Address address : message.getKnown().getAddressesList()) {
          if (!self.incarnation().equals(Incarnation.of(address.getIncarnation().toByteArray()))) {
            addresses.learn(JoinAddress.ofLink(address.getLink()), System.nanoTime());
          }
        }
      }
      case FRONT -> link.front(Front.of(message.getFront()));
      case COUNT_QUESTION ->
          connection.tell(
              Peering.newBuilder()
                  .setCountAnswer(CountQuestions.answer(message.getCountQuestion(), table))
                  .build());
      case COUNT_ANSWER -> questions.answered(message.getCountAnswer());
      case CHECKS -> CheckWire.fromWire(message.getChecks()).forEach(checks::take);
      case KIND_NOT_SET -> {
        // A newer gateway's; what matters to us it says in ways that we know.
      }
    }
  }

  private Known known() {
    Known.Builder known = Known.newBuilder();
    for (Link link : links.values()) {
      if (link.isUp() && !link.address().isEmpty()) {
        known.addAddresses(
            Address.newBuilder()
                .setId(link.peer().id())
                .setIncarnation(
                    com.google.protobuf.ByteString.copyFrom(link.peer().incarnation().toBytes()))
                .setLink(link.address()));
      }
    }
    return known.build();
  }

  private void tellAll(Peering message) {
    for (Link link : links.values()) {
      List<LinkConnection> up = link.connections();
      if (!up.isEmpty()) {
        up.get(0).tell(message);
      }
    }
  }

  // ---- what is announced ----

  private final class Announcer implements RouteTable.Listener {
    @Override
    public void own(OwnTunnel tunnel) {
      tell(tunnel, RouteTable.Removal.MOVED);
    }

    @Override
    public void released(OwnTunnel tunnel, RouteTable.Removal reason) {
      tell(tunnel, reason);
    }

    /**
     * Two threads may tell of one session, and the later news arrive first. So what is announced is
     * what the table says when they have arrived.
     */
    private void tell(OwnTunnel tunnel, RouteTable.Removal reason) {
      if (closed) {
        return;
      }
      home.execute(
          () -> {
            Announcements.Change change =
                new Announcements.Change.Absent(
                    new Route.Key(tunnel.session(), tunnel.instance()),
                    tunnel.connection(),
                    reason);
            for (OwnTunnel now : table.find(tunnel.session()).own()) {
              if (now.instance().equals(tunnel.instance())) {
                change = new Announcements.Change.Present(route(now));
              }
            }
            for (Link link : links.values()) {
              if (link.isUp()) {
                link.announcements().changed(change);
                link.announce();
              }
            }
          });
    }
  }

  /** A check has a new result, of this gateway or of a peer, who tells it to all by itself. */
  private void checked(CheckResult result) {
    if (!closed && result.checker().equals(self.incarnation())) {
      home.execute(
          () -> {
            for (Link link : links.values()) {
              if (link.isUp()) {
                link.checkNews().add(result.key());
              }
            }
          });
    }
  }

  private Route route(OwnTunnel tunnel) {
    return new Route(
        self,
        tunnel.session(),
        tunnel.instance(),
        tunnel.connection(),
        tunnel.rank().epoch(),
        tunnel.rank().incarnation(),
        tunnel.draining(),
        tunnel.software(),
        tunnel.remote(),
        tunnel.sinceMillis());
  }

  // ---- streams of peers to tunnels that end here ----

  /** On the connection's loop. */
  void relay(Opening opening, LinkConnection connection) {
    String named = opening.open().session();
    OwnTunnel best = null;
    try {
      for (OwnTunnel tunnel : table.find(SessionKey.of(named)).own()) {
        if (best == null
            || (best.draining() && !tunnel.draining())
            || (best.draining() == tunnel.draining()
                && tunnel.handler().streams() < best.handler().streams())) {
          best = tunnel;
        }
      }
    } catch (IllegalArgumentException e) {
      opening.refuse(FaultCode.NOT_HERE, "OPEN: " + e.getMessage());
      return;
    }
    if (best == null) {
      opening.refuse(
          FaultCode.NOT_HERE, "gateway " + self.id() + " has no tunnel of session " + named);
      return;
    }
    RelayBridge.begin(opening, connection.handler(), best.handler(), best.relayBudget());
  }

  // ---- for dials ----

  @Override
  public Path to(Incarnation gateway) {
    Link link = links.get(gateway);
    return link == null || !link.isUp() ? null : link;
  }

  @Override
  public boolean mayKnowMore() {
    if (System.nanoTime() - startedAt < settings.young().toNanos()) {
      return true;
    }
    for (Link link : links.values()) {
      if (link.isUp() ? !link.announced().isComplete() : !link.isForgotten()) {
        return true;
      }
    }
    return false;
  }

  // ---- for the control plane ----

  @Override
  public List<Standing> standings() {
    List<Standing> all = new ArrayList<>();
    for (Link link : links.values()) {
      if (link.isUp()) {
        Standing said = link.standing();
        all.add(said == null ? Standing.none(link.peer(), "") : said);
      }
    }
    return all;
  }

  @Override
  public void announce(Standing standing) {
    mine = standing;
    if (!closed) {
      home.execute(
          () -> tellAll(Peering.newBuilder().setStanding(mine.toWire(advertised)).build()));
    }
  }

  @Override
  public void onChange(Runnable listener) {
    onChange = listener;
  }

  // ---- for discovery ----

  @Override
  public void announce(Front front) {
    myFront = front;
    if (!closed) {
      home.execute(() -> tellAll(Peering.newBuilder().setFront(front.toWire()).build()));
    }
  }

  @Override
  public Map<GatewayIdentity, Front> fronts() {
    Map<GatewayIdentity, Front> all = new HashMap<>();
    for (Link link : links.values()) {
      Front front = link.front();
      if (link.isUp() && front != null) {
        all.put(link.peer(), front);
      }
    }
    return all;
  }

  // ---- for status pages ----

  @Override
  public CompletionStage<Map<GatewayIdentity, List<TunnelCounts>>> ask(
      Map<GatewayIdentity, ? extends Collection<SessionKey>> sessions, Duration within) {
    CompletableFuture<Map<GatewayIdentity, List<TunnelCounts>>> all =
        CompletableFuture.completedFuture(Map.of());
    for (Map.Entry<GatewayIdentity, ? extends Collection<SessionKey>> asked : sessions.entrySet()) {
      Link link = links.get(asked.getKey().incarnation());
      if (link == null || closed) {
        continue;
      }
      all =
          all.thenCombine(
              questions.ask(asked.getValue(), question -> put(link, question), within),
              (before, counts) -> {
                Map<GatewayIdentity, List<TunnelCounts>> both = new HashMap<>(before);
                both.put(asked.getKey(), counts);
                return both;
              });
    }
    return all;
  }

  private void put(Link link, CountQuestion question) {
    home.execute(
        () -> {
          List<LinkConnection> up = link.connections();
          if (!up.isEmpty()) {
            up.get(0).tell(Peering.newBuilder().setCountQuestion(question).build());
          }
        });
  }

  /** All links, those that are lost and not forgotten included. */
  public List<Status> status() {
    List<Status> all = new ArrayList<>();
    for (Link link : links.values()) {
      int streams = 0;
      long sent = 0;
      long received = 0;
      for (LinkConnection connection : link.connections()) {
        streams += connection.handler().streams();
        sent += connection.handler().sentBytes();
        received += connection.handler().receivedBytes();
      }
      all.add(
          new Status(
              link.peer(),
              link.address(),
              link.isUp(),
              link.connections().size(),
              streams,
              link.roundTripNanos(),
              link.announced().isComplete(),
              link.isUp() && link.answeredLately(),
              link.upSinceMillis(),
              sent,
              received));
    }
    return all;
  }

  /** Streams that are open or pending on all links. */
  public int streams() {
    int streams = 0;
    for (Link link : links.values()) {
      for (LinkConnection connection : link.connections()) {
        streams += connection.handler().streams();
      }
    }
    return streams;
  }

  /** Connections refused because another gateway with the same id is alive. */
  public long refusedPeers() {
    return refusedPeers.get();
  }

  /**
   * Ends all links, after telling the peers that this gateway goes. Returns when their connections
   * are closed, after {@code within} at most.
   */
  public void close(Duration within) {
    closed = true;
    ticks.cancel(false);
    addresses.close();
    long deadline = System.nanoTime() + within.toNanos();
    listener.close().awaitUninterruptibly(within.toMillis());
    for (Link link : links.values()) {
      for (LinkConnection connection : link.connections()) {
        connection.end(FaultCode.SHUTDOWN, "the gateway is going down");
      }
    }
    // The tunnel closes its channel when its GOAWAY is out.
    long left = Math.max(1, TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime()));
    channels.newCloseFuture().awaitUninterruptibly(left);
    channels.close();
  }

  @Override
  public void close() {
    close(Duration.ofSeconds(1));
  }
}

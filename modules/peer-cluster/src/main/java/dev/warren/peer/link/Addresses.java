package dev.warren.peer.link;

import dev.warren.peer.GatewayIdentity;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where other gateways may be: the names that the operator gave, those that peers told us of, and
 * the addresses that they stand for. Names are resolved on a thread of their own, again and again.
 * Used on the loop of {@link Links} only.
 */
final class Addresses implements AutoCloseable {
  /** Names that peers told us of; more are not taken in. */
  static final int MAX_NAMES = 256;

  /** Addresses of one name; more are not dialled. */
  static final int MAX_OF_NAME = 64;

  /** What peers told us is kept this long after it was of use last. */
  static final Duration KEPT = Duration.ofHours(24);

  /** A name that was of use within this is never given up for a new one. */
  static final Duration IN_USE = Duration.ofMinutes(1);

  static final Duration FIRST_RETRY = Duration.ofMillis(100);
  static final Duration LAST_RETRY = Duration.ofSeconds(2);
  static final Duration RESOLVE_EVERY = Duration.ofSeconds(2);

  private static final Logger log = LoggerFactory.getLogger(Addresses.class);

  /** A name and when it is looked up again. */
  private static final class Name {
    private final JoinAddress name;
    private final boolean given; // by the operator
    private long resolveAt;
    private long usefulAt;
    private boolean resolving;
    private boolean missingTold;

    Name(JoinAddress name, boolean given, long now) {
      this.name = name;
      this.given = given;
      this.resolveAt = now;
      this.usefulAt = now;
    }
  }

  /** One address, and what was found there last. */
  static final class Address {
    private final InetSocketAddress socket;
    private Name name;
    private GatewayIdentity leadsTo;
    private boolean dialling;
    private long nextTry;
    private int failures;

    Address(InetSocketAddress socket, long now) {
      this.socket = socket;
      this.nextTry = now;
    }

    InetSocketAddress socket() {
      return socket;
    }

    /** Who was there last, or null. */
    GatewayIdentity leadsTo() {
      return leadsTo;
    }

    boolean isDialling() {
      return dialling;
    }

    void dialling() {
      dialling = true;
    }

    /** Nobody was there, or whoever was there wanted no link. */
    void failed(long now, RandomGenerator random) {
      dialling = false;
      long ceiling = FIRST_RETRY.toNanos() << Math.min(failures++, 10);
      long capped = Math.min(ceiling, LAST_RETRY.toNanos());
      nextTry = now + capped / 2 + random.nextLong(capped / 2 + 1);
    }

    /** Somebody was there; {@code after} that it may be tried again. */
    void found(GatewayIdentity who, long now, Duration after) {
      dialling = false;
      leadsTo = who;
      nextTry = now + after.toNanos();
      name.usefulAt = now;
    }

    /** What was found there has become a connection of a link. */
    void good() {
      failures = 0;
    }
  }

  /** Finds the addresses of a name; {@code InetAddress::getAllByName}, or a test's. */
  @FunctionalInterface
  interface Resolver {
    InetAddress[] find(String host) throws UnknownHostException;
  }

  private final Map<JoinAddress, Name> names = new LinkedHashMap<>();
  private final Map<InetSocketAddress, Address> addresses = new LinkedHashMap<>();
  private final ExecutorService resolving;
  private final Resolver resolver;
  private final LongSupplier nanoClock;
  private final Consumer<Runnable> home;

  /**
   * @param home runs a step on the loop of Links
   */
  Addresses(List<JoinAddress> given, Consumer<Runnable> home) {
    this(given, home, InetAddress::getAllByName, System::nanoTime);
  }

  Addresses(
      List<JoinAddress> given, Consumer<Runnable> home, Resolver resolver, LongSupplier nanoClock) {
    this.home = home;
    this.resolver = resolver;
    this.nanoClock = nanoClock;
    this.resolving =
        Executors.newSingleThreadExecutor(
            task -> {
              Thread thread = new Thread(task, "warren-names");
              thread.setDaemon(true);
              return thread;
            });
    for (JoinAddress name : given) {
      names.put(name, new Name(name, true, nanoClock.getAsLong()));
    }
  }

  /** A peer says that a gateway takes links there. */
  void learn(JoinAddress name, long now) {
    Name known = names.get(name);
    if (known != null) {
      known.usefulAt = now;
    } else if (names.size() < MAX_NAMES || giveUpOldest(now)) {
      names.put(name, new Name(name, false, now));
    }
  }

  /** Makes room for a new name: gateways that come and go leave many behind. */
  private boolean giveUpOldest(long now) {
    Name oldest = null;
    for (Name name : names.values()) {
      if (!name.given && (oldest == null || name.usefulAt - oldest.usefulAt < 0)) {
        oldest = name;
      }
    }
    if (oldest == null || now - oldest.usefulAt < IN_USE.toNanos()) {
      return false;
    }
    names.remove(oldest.name);
    forgetAddressesOf(oldest);
    return true;
  }

  private void forgetAddressesOf(Name name) {
    addresses.values().removeIf(address -> address.name == name);
  }

  /** The names that are to be told to others. */
  int names() {
    return names.size();
  }

  /** Has names looked up whose time has come, and forgets what is of no use any more. */
  void tick(long now) {
    for (Iterator<Name> all = names.values().iterator(); all.hasNext(); ) {
      Name name = all.next();
      if (!name.given && now - name.usefulAt > KEPT.toNanos()) {
        all.remove();
        forgetAddressesOf(name);
      } else if (!name.resolving && now - name.resolveAt >= 0) {
        resolve(name);
      }
    }
  }

  private void resolve(Name name) {
    String host = name.name.host();
    byte[] literal =
        host.indexOf('%') < 0 ? NetUtil.createByteArrayFromIpAddressString(host) : null;
    if (literal != null) { // does not wait behind names that take their time
      try {
        resolved(name, new InetAddress[] {InetAddress.getByAddress(literal)});
      } catch (UnknownHostException e) {
        throw new IllegalStateException(name.name + " has " + literal.length + " bytes", e);
      }
      return;
    }
    name.resolving = true;
    try {
      resolving.execute(
          () -> {
            InetAddress[] found;
            try {
              found = resolver.find(name.name.host());
            } catch (UnknownHostException | RuntimeException e) {
              found = new InetAddress[0];
            }
            InetAddress[] all = found;
            home.accept(() -> resolved(name, all));
          });
    } catch (RejectedExecutionException e) {
      name.resolving = false; // closed meanwhile
    }
  }

  private void resolved(Name name, InetAddress[] found) {
    name.resolving = false;
    name.resolveAt = nanoClock.getAsLong() + RESOLVE_EVERY.toNanos();
    if (names.get(name.name) != name) {
      return; // it was given up meanwhile
    }
    if (found.length == 0) {
      if (!name.missingTold) {
        name.missingTold = true;
        log.atInfo().addKeyValue("name", name.name).log("link.name.unknown");
      }
      return;
    }
    name.missingTold = false;
    List<InetSocketAddress> now = new ArrayList<>();
    for (InetAddress address : found) {
      if (now.size() < MAX_OF_NAME) {
        now.add(new InetSocketAddress(address, name.name.linkPort()));
      }
    }
    addresses
        .values()
        .removeIf(
            address -> address.name == name && !address.dialling && !now.contains(address.socket));
    for (InetSocketAddress socket : now) {
      addresses.computeIfAbsent(socket, fresh -> new Address(fresh, nanoClock.getAsLong())).name =
          name;
    }
  }

  /** All that may be dialled now. */
  List<Address> due(long now) {
    List<Address> due = new ArrayList<>();
    for (Address address : addresses.values()) {
      if (!address.dialling && now - address.nextTry >= 0) {
        due.add(address);
      }
    }
    return due;
  }

  @Override
  public void close() {
    resolving.shutdownNow();
  }
}

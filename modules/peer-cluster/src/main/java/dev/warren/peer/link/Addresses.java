package dev.warren.peer.link;

import dev.warren.peer.GatewayIdentity;
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

    Address(InetSocketAddress socket) {
      this.socket = socket;
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

    /** Nobody was there, or not who should be. */
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
      failures = 0;
      nextTry = now + after.toNanos();
      name.usefulAt = now;
    }
  }

  private final Map<JoinAddress, Name> names = new LinkedHashMap<>();
  private final Map<InetSocketAddress, Address> addresses = new LinkedHashMap<>();
  private final ExecutorService resolver;
  private final Consumer<Runnable> home;

  /**
   * @param home runs a step on the loop of Links
   */
  Addresses(List<JoinAddress> given, Consumer<Runnable> home, long now) {
    this.home = home;
    this.resolver =
        Executors.newSingleThreadExecutor(
            task -> {
              Thread thread = new Thread(task, "warren-names");
              thread.setDaemon(true);
              return thread;
            });
    for (JoinAddress name : given) {
      names.put(name, new Name(name, true, now));
    }
  }

  /** A peer says that a gateway takes links there. */
  void learn(JoinAddress name, long now) {
    Name known = names.get(name);
    if (known != null) {
      known.usefulAt = now;
    } else if (names.size() < MAX_NAMES) {
      names.put(name, new Name(name, false, now));
    }
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
        addresses.values().removeIf(address -> address.name == name);
      } else if (!name.resolving && now - name.resolveAt >= 0) {
        resolve(name);
      }
    }
  }

  private void resolve(Name name) {
    name.resolving = true;
    try {
      resolver.execute(
          () -> {
            InetAddress[] found;
            try {
              found = InetAddress.getAllByName(name.name.host());
            } catch (UnknownHostException e) {
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
    name.resolveAt = System.nanoTime() + RESOLVE_EVERY.toNanos();
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
      addresses.computeIfAbsent(socket, Address::new).name = name;
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
    resolver.shutdownNow();
  }
}

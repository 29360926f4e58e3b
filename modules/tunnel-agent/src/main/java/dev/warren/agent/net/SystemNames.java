package dev.warren.agent.net;

import io.netty.channel.EventLoop;
import io.netty.resolver.dns.DnsServerAddressStreamProviders;
import io.netty.resolver.dns.UnixResolverDnsServerAddressStreamProvider;
import io.netty.util.concurrent.Future;
import io.netty.util.internal.PlatformDependent;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Names as this machine knows them: {@code localhost} without asking anybody, then the hosts file,
 * then the DNS servers of resolv.conf; where that names none, whatever the operating system asks.
 * Public servers that nobody configured are never asked.
 *
 * <p>An agent runs for months and its machine changes networks: when resolv.conf or the hosts file
 * has changed, both are read again.
 */
public final class SystemNames implements Names {
  private static final Logger log = LoggerFactory.getLogger(SystemNames.class);

  /** How often the files are looked at, while there are questions. */
  static final Duration LOOK_AGAIN = Duration.ofSeconds(5);

  /** For how long questions that are on their way when the files change may still be answered. */
  private static final Duration RETIRE_AFTER = Duration.ofSeconds(30);

  private static final List<InetAddress> LOCALHOST =
      List.of(literal(127, 0, 0, 1), literal(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1));

  private final Transport transport;
  private final Path resolvConf;
  private final Path hosts;
  private final LongSupplier nanoClock;

  private Names current;
  private Stamp stamp;
  private long lookedAt;

  /** What the files looked like when they were read. */
  private record Stamp(FileState resolvConf, FileState hosts) {}

  private record FileState(FileTime modified, long bytes) {
    static final FileState ABSENT = new FileState(FileTime.fromMillis(0), -1);

    static FileState of(Path file) {
      try {
        BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
        return new FileState(attributes.lastModifiedTime(), attributes.size());
      } catch (IOException e) {
        return ABSENT;
      }
    }
  }

  public SystemNames(Transport transport) {
    this(transport, Path.of("/etc/resolv.conf"), Path.of("/etc/hosts"), System::nanoTime);
  }

  SystemNames(Transport transport, Path resolvConf, Path hosts, LongSupplier nanoClock) {
    this.transport = transport;
    this.resolvConf = resolvConf;
    this.hosts = hosts;
    this.nanoClock = nanoClock;
  }

  @Override
  public Future<List<InetAddress>> addresses(String name, EventLoop loop) {
    if (new HostText.Name(name).isLocalhost()) {
      return loop.newSucceededFuture(LOCALHOST);
    }
    return current(loop).addresses(name, loop);
  }

  synchronized Names current(EventLoop loop) {
    long now = nanoClock.getAsLong();
    if (current != null && now - lookedAt < LOOK_AGAIN.toNanos()) {
      return current;
    }
    lookedAt = now;
    Stamp found = new Stamp(FileState.of(resolvConf), FileState.of(hosts));
    if (current == null || !found.equals(stamp)) {
      Names retired = current;
      current = read();
      stamp = found;
      if (retired != null) {
        log.atInfo().addKeyValue("file", resolvConf).log("names.changed");
        loop.schedule(retired::close, RETIRE_AFTER.toMillis(), TimeUnit.MILLISECONDS);
      }
    }
    return current;
  }

  private Names read() {
    if (PlatformDependent.isWindows() || PlatformDependent.isOsx()) {
      return new DnsNames(transport, DnsServerAddressStreamProviders.platformDefault());
    }
    try {
      return new DnsNames(
          transport,
          new UnixResolverDnsServerAddressStreamProvider(resolvConf.toFile(), new File[0]));
    } catch (IOException | IllegalArgumentException e) {
      log.atDebug()
          .addKeyValue("file", resolvConf)
          .addKeyValue("reason", e)
          .log("names.no-servers");
      return new JvmNames(InetAddress::getAllByName);
    }
  }

  @Override
  public synchronized void close() {
    if (current != null) {
      current.close();
    }
  }

  private static InetAddress literal(int... bytes) {
    byte[] address = new byte[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      address[i] = (byte) bytes[i];
    }
    try {
      return InetAddress.getByAddress(address);
    } catch (java.net.UnknownHostException e) {
      throw new IllegalStateException("an address of " + bytes.length + " bytes", e);
    }
  }
}

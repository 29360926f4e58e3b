package dev.warren.agent.net;

import io.netty.channel.EventLoop;
import io.netty.resolver.ResolvedAddressTypes;
import io.netty.resolver.dns.DnsAddressResolverGroup;
import io.netty.resolver.dns.DnsNameResolverBuilder;
import io.netty.resolver.dns.DnsServerAddressStreamProvider;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;

/** The hosts file first, then the DNS servers given. */
final class DnsNames implements Names {
  /** An answer is not believed for longer, whatever its time to live says. */
  private static final int MAX_TTL_SECONDS = 300;

  private final DnsAddressResolverGroup resolvers;

  DnsNames(Transport transport, DnsServerAddressStreamProvider servers) {
    this.resolvers =
        new DnsAddressResolverGroup(
            new DnsNameResolverBuilder()
                .datagramChannelType(transport.udp())
                // For answers that do not fit into a datagram.
                .socketChannelType(transport.tcp(), false)
                .nameServerProvider(servers)
                .queryTimeoutMillis(QUERY_TIMEOUT_MILLIS)
                .ttl(0, MAX_TTL_SECONDS)
                .resolvedAddressTypes(ResolvedAddressTypes.IPV4_PREFERRED));
  }

  @Override
  public Future<List<InetAddress>> addresses(String name, EventLoop loop) {
    Promise<List<InetAddress>> promise = loop.newPromise();
    resolvers
        .getResolver(loop)
        .resolveAll(InetSocketAddress.createUnresolved(name, 0))
        .addListener(
            (Future<List<InetSocketAddress>> found) -> {
              if (found.isSuccess()) {
                promise.trySuccess(
                    found.getNow().stream().map(InetSocketAddress::getAddress).toList());
              } else {
                promise.tryFailure(found.cause());
              }
            });
    return promise;
  }

  @Override
  public void close() {
    resolvers.close();
  }
}

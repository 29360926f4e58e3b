package dev.warren.agent.connect;

/**
 * Where one gateway can be reached without a load balancer between, as it advertises itself. It
 * replaces only where TCP goes: TLS name, Host and path stay those of the {@code --connect}
 * address.
 *
 * @param host a name or an address, without brackets
 */
public record DirectAddress(String host, int port) {
  @Override
  public String toString() {
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
  }
}

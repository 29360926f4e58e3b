package dev.warren.gateway.net;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.haproxy.HAProxyCommand;
import io.netty.handler.codec.haproxy.HAProxyMessage;
import io.netty.handler.codec.haproxy.HAProxyMessageDecoder;
import io.netty.handler.codec.haproxy.HAProxyProxiedProtocol.AddressFamily;
import io.netty.util.NetUtil;
import io.netty.util.concurrent.Future;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The PROXY protocol, versions 1 and 2, by which a TCP balancer says who it speaks for. Whoever may
 * send such a header can claim any address, so the rule is strict: a connection from a trusted
 * proxy must begin with one, or it is closed; a connection from anybody else gets no ear for it,
 * and bytes that look like one are a bad request like any other.
 */
public final class ProxyProtocol {
  /** The balancers' extras behind the addresses in version 2; ours to skip, not to store. */
  static final int MAX_TLV_BYTES = 4_096;

  private static final Logger log = LoggerFactory.getLogger(ProxyProtocol.class);

  private ProxyProtocol() {}

  /**
   * Prepares a connection that was just accepted: to be called before anything else, TLS too, is in
   * its pipeline. {@link RemoteAddress#of} is right as soon as the first byte behind the header
   * arrives at the handlers that follow.
   *
   * @param deadline how long the header may take
   */
  public static void install(ChannelPipeline pipeline, TrustedProxies trusted, Duration deadline) {
    if (trusted.trusts(RemoteAddress.of(pipeline.channel()))) {
      pipeline.addLast(new HAProxyMessageDecoder(MAX_TLV_BYTES, true));
      pipeline.addLast(new HeaderReader(deadline));
    }
  }

  /** Takes the one message that the decoder makes, and is gone. */
  private static final class HeaderReader extends ChannelInboundHandlerAdapter {
    private final Duration deadline;
    private Future<?> timer;

    HeaderReader(Duration deadline) {
      this.deadline = deadline;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext context) {
      timer =
          context
              .executor()
              .schedule(
                  () -> refuse(context, "no PROXY header within " + deadline),
                  deadline.toNanos(),
                  TimeUnit.NANOSECONDS);
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
      timer.cancel(false);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      if (!(message instanceof HAProxyMessage header)) {
        context.fireChannelRead(message);
        return;
      }
      try {
        tell(context.channel(), header);
      } finally {
        header.release();
      }
      context.pipeline().remove(this);
    }

    private static void tell(Channel channel, HAProxyMessage header) {
      // LOCAL is the balancer's own health check; an unknown or a Unix address says nothing to us.
      AddressFamily family = header.proxiedProtocol().addressFamily();
      boolean address = family == AddressFamily.AF_IPv4 || family == AddressFamily.AF_IPv6;
      if (header.command() == HAProxyCommand.PROXY && address) {
        byte[] bytes = NetUtil.createByteArrayFromIpAddressString(header.sourceAddress());
        RemoteAddress.tell(channel, new InetSocketAddress(inet(bytes), header.sourcePort()));
      }
    }

    private static InetAddress inet(byte[] bytes) {
      try {
        return InetAddress.getByAddress(bytes);
      } catch (UnknownHostException impossible) {
        throw new AssertionError(impossible); // the decoder checked the address
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      refuse(context, cause.getMessage());
    }

    private static void refuse(ChannelHandlerContext context, String reason) {
      log.atWarn()
          .addKeyValue("remote", context.channel().remoteAddress())
          .addKeyValue("reason", reason)
          .log("connection.proxy-header-refused");
      context.close();
    }
  }
}

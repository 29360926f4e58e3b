package dev.warren.gateway.http;

import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;

/** Composes a caller's connection, so that one glance shows it. */
public final class HttpPipeline {
  /** An event: the gateway goes; a connection with nothing under way ends now. */
  public static final Object NO_MORE_REQUESTS = "no more requests";

  private HttpPipeline() {}

  /**
   * For a connection that speaks HTTP/1.1 from its next byte on; TLS and a PROXY header, where they
   * are, are the business of handlers before this. Turns {@code autoRead} off and allows half
   * closure: from here on the front asks for bytes when somebody takes them.
   */
  public static void install(ChannelPipeline pipeline, HttpServices services) {
    pipeline.channel().config().setAutoRead(false);
    pipeline.channel().config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
    CallerRequestDecoder decoder = new CallerRequestDecoder(services.settings().head());
    CallerResponseEncoder encoder = new CallerResponseEncoder();
    pipeline.addLast(decoder, encoder, new HttpFront(services, decoder, encoder));
  }

  /** Ends a caller's connection as soon as no request is under way on it. From any thread. */
  public static void endWhenIdle(Channel channel) {
    channel.pipeline().fireUserEventTriggered(NO_MORE_REQUESTS);
  }
}

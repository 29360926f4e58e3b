package dev.warren.gateway.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.handler.codec.http.HttpConstants;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestEncoder;
import java.nio.charset.StandardCharsets;

/**
 * Netty's request encoder with the request target written as it was read. Netty's own would write
 * UTF-8 where the decoder read single bytes, and would mend what it takes for a missing slash.
 */
final class TargetRequestEncoder extends HttpRequestEncoder {
  private static final int CRLF = HttpConstants.CR << 8 | HttpConstants.LF;

  @Override
  protected void encodeInitialLine(ByteBuf out, HttpRequest request) {
    ByteBufUtil.copy(request.method().asciiName(), out);
    out.writeByte(HttpConstants.SP);
    out.writeCharSequence(request.uri(), StandardCharsets.ISO_8859_1);
    out.writeByte(HttpConstants.SP);
    ByteBufUtil.writeAscii(out, request.protocolVersion().text());
    out.writeShort(CRLF);
  }
}

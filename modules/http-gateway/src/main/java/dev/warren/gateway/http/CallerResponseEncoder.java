package dev.warren.gateway.http;

import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseEncoder;

/** Netty's response encoder, told whether the answer is to a HEAD and therefore has no body. */
final class CallerResponseEncoder extends HttpResponseEncoder {
  private boolean answersHead;

  void answers(boolean head) {
    answersHead = head;
  }

  @Override
  protected boolean isContentAlwaysEmpty(HttpResponse response) {
    return answersHead || super.isContentAlwaysEmpty(response);
  }
}

package dev.warren.gateway.http;

import dev.warren.peer.dial.Dial;
import dev.warren.peer.dial.DialFailedException;
import dev.warren.peer.dial.OpenedStream;
import dev.warren.protocol.StreamId;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.ssl.NotSslRecordException;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.AsciiString;
import io.netty.util.concurrent.Future;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One request and its response: it finds a stream to the target (one that waits, or a new one),
 * passes the request on, and the response back. Bodies flow both ways at once, and each side is
 * read only while the other takes bytes, so nothing piles up here.
 *
 * <p>No byte of a body is read before the target has accepted. A request is sent once: from its
 * first byte on the way to the target, whatever happens is told to the caller and not mended.
 *
 * <pre>
 * dialling -opened-> [securing -handshake->] open -end of response-> over
 * open -101-> upgrading -end of request-> raw
 * any of them -failure, caller gone-> over
 * </pre>
 */
final class Exchange {
  private static final Logger log = LoggerFactory.getLogger(Exchange.class);

  private static final AsciiString KEEP_ALIVE = AsciiString.cached("keep-alive");
  private static final AsciiString PROXY_AUTHENTICATION_INFO =
      AsciiString.cached("proxy-authentication-info");
  private static final AsciiString PROXY_CONNECTION = AsciiString.cached("proxy-connection");
  private static final AsciiString TRANSFER_ENCODING = AsciiString.cached("Transfer-Encoding");
  private static final AsciiString CONNECTION = AsciiString.cached("Connection");
  private static final AsciiString UPGRADE = AsciiString.cached("Upgrade");

  private enum State {
    DIALLING,
    SECURING,
    OPEN,
    UPGRADING,
    OVER
  }

  private final HttpFront front;
  private final HttpServices services;
  private final HttpRequest head;
  private final HttpMethod method;
  private final ClientRoute route;
  private final String principal;
  private final CallerLimits.Caller caller;
  private final boolean upgrade;
  private final boolean connectionBound;

  private State state = State.DIALLING;
  private Future<OpenedStream> dial;
  private String dialId;
  private long dialEnds;
  private TargetStream stream;
  private Future<?> responseTimer;

  private HttpContent heldEnd;
  private boolean requestSent;

  private boolean interim;
  private boolean dropInterim;
  private boolean answering;
  private boolean framed;
  private boolean streamReusable;
  private boolean callerKeeps;
  private long idleNanos = Long.MAX_VALUE;

  /**
   * @param head already rewritten for the target
   */
  Exchange(
      HttpFront front,
      HttpRequest head,
      ClientRoute route,
      String principal,
      CallerLimits.Caller caller,
      RequestRewriter rewriter) {
    this.front = front;
    this.services = front.services();
    this.head = head;
    this.method = head.method();
    this.route = route;
    this.principal = principal;
    this.caller = caller;
    this.upgrade = rewriter.isUpgrade();
    this.connectionBound = rewriter.isConnectionBound();
  }

  // Getting a stream.

  void start() {
    IdleStreams.Key key = key();
    TargetStream waiting = services.idle().take(key);
    if (waiting != null) {
      stream = waiting;
      waiting.begin(this);
      opened();
      return;
    }
    StreamId id = StreamId.random();
    dialId = id.publicId();
    switch (services.callers().beginDial(caller)) {
      case TOO_MANY_OF_CALLER -> {
        fail(
            HttpResponseStatus.TOO_MANY_REQUESTS,
            "this caller waits for too many targets (at most "
                + services.settings().callers().maxPendingDials()
                + ")",
            Duration.ofSeconds(1),
            services.gateway());
        return;
      }
      case TOO_MANY_IN_ALL -> {
        fail(
            HttpResponseStatus.SERVICE_UNAVAILABLE,
            "the gateway waits for too many targets (at most "
                + services.settings().callers().maxPendingDialsInAll()
                + ")",
            Duration.ofSeconds(1),
            services.gateway());
        return;
      }
      case BEGUN -> {}
    }
    Duration timeout = services.settings().dialTimeout();
    dialEnds = System.nanoTime() + timeout.toNanos();
    String trace = head.headers().get("traceparent");
    Dial wish =
        new Dial(
            id, route.session(), route.target(), timeout, principal, trace == null ? "" : trace);
    dial = services.opener().open(wish, eventLoop());
    dial.addListener((Future<OpenedStream> done) -> dialled(done, key));
  }

  private IdleStreams.Key key() {
    return new IdleStreams.Key(principal, route.session(), route.secure(), route.target());
  }

  private EventLoop eventLoop() {
    return front.channel().eventLoop();
  }

  private void dialled(Future<OpenedStream> done, IdleStreams.Key key) {
    services.callers().endDial(caller);
    if (state == State.OVER) {
      if (done.isSuccess()) {
        done.getNow().channel().close();
      }
      return;
    }
    dial = null;
    if (!done.isSuccess()) {
      dialFailed(done.cause());
      return;
    }
    OpenedStream opened = done.getNow();
    SslHandler tls = null;
    if (route.secure()) {
      state = State.SECURING;
      tls =
          services
              .targetTls()
              .newHandler(opened.channel().alloc(), route.target().host(), route.target().port());
      tls.setHandshakeTimeoutMillis(
          Math.max(1, TimeUnit.NANOSECONDS.toMillis(dialEnds - System.nanoTime())));
    }
    stream = new TargetStream(opened, services.idle(), key, services.settings().head(), tls, this);
    if (tls == null) {
      opened();
    } else {
      tls.handshakeFuture().addListener(shaken -> secured(shaken));
      stream.read();
    }
  }

  private void dialFailed(Throwable cause) {
    if (!(cause instanceof DialFailedException failure)) {
      log.atError()
          .addKeyValue("session", route.session())
          .addKeyValue("target", route.target())
          .addKeyValue("stream", dialId)
          .setCause(cause)
          .log("http.dial.broke");
      fail(
          HttpResponseStatus.BAD_GATEWAY,
          "the dial broke inside the gateway",
          Duration.ZERO,
          services.gateway());
      return;
    }
    answer(Problem.of(failure, dialId, services.gateway()));
  }

  private void secured(Future<?> shaken) {
    if (state != State.SECURING) {
      return;
    }
    if (shaken.isSuccess()) {
      opened();
      return;
    }
    Throwable cause = shaken.cause();
    TargetStream failed = stream;
    stream = null;
    failed.abort();
    if (System.nanoTime() - dialEnds >= 0) {
      fail(
          HttpResponseStatus.GATEWAY_TIMEOUT,
          "TLS: no handshake within " + services.settings().dialTimeout().toMillis() + " ms",
          Duration.ZERO,
          failed.via());
      return;
    }
    fail(HttpResponseStatus.BAD_GATEWAY, "TLS: " + reason(cause), Duration.ZERO, failed.via());
  }

  /** What a person can act on; the deepest cause says what a certificate lacks. */
  private static String reason(Throwable thrown) {
    Throwable cause = thrown;
    for (int depth = 0; depth < 10 && cause.getCause() != null; depth++) {
      if (cause instanceof NotSslRecordException) {
        break;
      }
      cause = cause.getCause();
    }
    if (cause instanceof NotSslRecordException) {
      return "the target does not speak TLS"; // Netty's text would repeat what it sent
    }
    String message = cause.getMessage();
    return message == null ? cause.getClass().getSimpleName() : message;
  }

  // The request.

  private void opened() {
    state = State.OPEN;
    stream.await(method);
    stream.write(head);
    if (heldEnd != null) {
      HttpContent end = heldEnd;
      heldEnd = null;
      requestContent(end);
    }
    if (!requestSent && front.hasBody()) {
      front.resumeBody();
    }
    if (state == State.OPEN) {
      stream.flush();
      stream.read();
    }
  }

  /** One piece of the request's body; the last one ends the request. */
  void requestContent(HttpContent content) {
    if (state != State.OPEN && state != State.UPGRADING) {
      heldEnd = content; // only a request without a body ends before its target has accepted
      return;
    }
    boolean last = content instanceof LastHttpContent;
    stream.write(content);
    if (!last) {
      return;
    }
    requestSent = true;
    if (state == State.UPGRADING) {
      stream.flush();
      becomeRaw();
      return;
    }
    Duration timeout = services.settings().responseHeadTimeout();
    if (!timeout.isZero() && !answering) {
      responseTimer =
          eventLoop().schedule(this::responseLate, timeout.toNanos(), TimeUnit.NANOSECONDS);
    }
  }

  void flushRequest() {
    if (state == State.OPEN || state == State.UPGRADING) {
      stream.flush();
    }
  }

  /** Whether more of the request's body can go to the target now. */
  boolean takesBody() {
    return (state == State.OPEN || state == State.UPGRADING) && stream.isWritable();
  }

  /** Whether the body will come only when somebody asks for it. */
  boolean awaitsExpectedBody() {
    return state != State.OPEN
        && state != State.UPGRADING
        && head.headers().contains(HttpHeaderNames.EXPECT);
  }

  void streamWritable() {
    front.readMore();
  }

  // The response.

  /** Whether the caller has seen the head of a final response. */
  boolean isAnswering() {
    return answering || state == State.UPGRADING;
  }

  void responseHead(HttpResponse response) {
    if (response.decoderResult().isFailure()) {
      badResponse(reason(response.decoderResult().cause()));
      return;
    }
    int code = response.status().code();
    if (code < 100 || code > 999) {
      badResponse("status " + code);
      return;
    }
    if (code == HttpResponseStatus.SWITCHING_PROTOCOLS.code()) {
      if (!upgrade) {
        badResponse("status 101 without Upgrade in the request");
        return;
      }
      switchProtocols(response);
      return;
    }
    boolean alive = HttpUtil.isKeepAlive(response);
    HttpHeaders headers = response.headers();
    if (code < 200) {
      interim = true;
      dropInterim = front.isHttp10();
      if (!dropInterim) {
        cleanResponse(headers, false);
        front.write(response.setProtocolVersion(HttpVersion.HTTP_1_1));
      }
      return;
    }
    answering = true;
    stopTimer();
    if (headers.contains(HttpHeaderNames.TRANSFER_ENCODING)
        && (headers.getAll(HttpHeaderNames.TRANSFER_ENCODING).size() > 1
            || !HttpHeaderValues.CHUNKED.contentEqualsIgnoreCase(
                headers.get(HttpHeaderNames.TRANSFER_ENCODING)))) {
      answering = false;
      badResponse("Transfer-Encoding that was not asked for");
      return;
    }
    streamReusable = alive && !connectionBound && !bindsConnection(headers);
    boolean chunked = headers.contains(HttpHeaderNames.TRANSFER_ENCODING);
    boolean sized = headers.contains(HttpHeaderNames.CONTENT_LENGTH);
    boolean empty = method.equals(HttpMethod.HEAD) || code == 204 || code == 304;
    cleanResponse(headers, code == HttpResponseStatus.UPGRADE_REQUIRED.code());
    callerKeeps = front.keepsAlive() && (front.requestEnded() || code < 400);
    framed = true;
    if (!empty && !sized) {
      streamReusable &= chunked;
      if (front.isHttp10()) {
        // Only the end of the connection can end this body.
        framed = false;
        callerKeeps = false;
        headers.remove(HttpHeaderNames.TRANSFER_ENCODING);
        headers.remove(HttpHeaderNames.TRAILER);
      } else if (!chunked) {
        headers.add(TRANSFER_ENCODING, HttpHeaderValues.CHUNKED);
      }
    }
    front.markConnection(headers, callerKeeps);
    front.write(response.setProtocolVersion(HttpVersion.HTTP_1_1));
  }

  /** Removes what belongs to the stream and not to the response. */
  private void cleanResponse(HttpHeaders headers, boolean keepsUpgrade) {
    String connection = headers.get(HttpHeaderNames.CONNECTION);
    if (connection != null) {
      HopByHop.removeNamed(headers);
      headers.remove(HttpHeaderNames.CONNECTION);
    }
    String keepAlive = headers.get(KEEP_ALIVE);
    if (keepAlive != null) {
      idleNanos = KeepAliveHeader.idleNanos(keepAlive);
      headers.remove(KEEP_ALIVE);
    }
    if (!keepsUpgrade) {
      headers.remove(HttpHeaderNames.UPGRADE);
    }
    headers.remove(HttpHeaderNames.PROXY_AUTHENTICATE);
    headers.remove(PROXY_AUTHENTICATION_INFO);
    headers.remove(PROXY_CONNECTION);
  }

  private static boolean bindsConnection(HttpHeaders headers) {
    for (String challenge : headers.getAll(HttpHeaderNames.WWW_AUTHENTICATE)) {
      if (RequestRewriter.bindsConnection(challenge)) {
        return true;
      }
    }
    return false;
  }

  void responseContent(HttpContent content) {
    boolean last = content instanceof LastHttpContent;
    if (state == State.UPGRADING) {
      front.write(content);
      if (requestSent) {
        becomeRaw();
      }
      return;
    }
    if (interim) {
      interim = false;
      if (dropInterim) {
        content.release();
      } else {
        front.write(content);
      }
      return;
    }
    if (content.decoderResult().isFailure()) {
      content.release();
      stream.abort();
      breakOff();
      return;
    }
    front.write(content);
    if (last) {
      responseEnded();
    }
  }

  private void responseEnded() {
    over();
    front.flush();
    boolean keeps = callerKeeps && front.requestEnded();
    if (!requestSent) {
      stream.abort(); // the rest of the request would be taken for the next one
    } else if (streamReusable) {
      stream.release(idleNanos);
    } else {
      stream.finish();
    }
    front.answered(keeps);
  }

  void streamReadComplete() {
    front.flush();
    if (state != State.OVER && state != State.UPGRADING && front.isWritable()) {
      stream.read();
    }
  }

  void callerWritable() {
    if (state == State.OPEN) {
      stream.read();
    }
  }

  // Upgrade.

  private void switchProtocols(HttpResponse response) {
    stopTimer();
    state = State.UPGRADING;
    HttpHeaders headers = response.headers();
    cleanResponse(headers, true);
    headers.add(CONNECTION, UPGRADE);
    front.write(response.setProtocolVersion(HttpVersion.HTTP_1_1));
  }

  /**
   * The target has switched, and the caller has sent its whole request: the other protocol begins
   * behind it, not earlier (RFC 9110, 7.8).
   */
  private void becomeRaw() {
    state = State.OVER; // the request stays counted until the connection ends
    front.becomeRaw(stream);
  }

  // Ends that are no good ones.

  /** The caller's connection has ended. */
  void callerGone() {
    if (state == State.OVER) {
      return;
    }
    TargetStream open = stream;
    Future<OpenedStream> pending = dial;
    over();
    releaseHeld();
    if (pending != null) {
      pending.cancel(false);
    }
    if (open != null) {
      open.abort();
    }
  }

  /** The target has ended its side and the response is not complete. */
  void streamInputEnded() {
    if (state == State.OPEN) {
      stream.abort();
      streamLost();
    } else if (state == State.SECURING) {
      stream.channel().close(); // fails the handshake, which tells why
    }
  }

  /** The stream is closed and the response is not complete. */
  void streamLost() {
    if (state == State.OVER || state == State.SECURING) {
      return;
    }
    if (isAnswering()) {
      breakOff();
      return;
    }
    Throwable cause = stream.cause();
    fail(
        HttpResponseStatus.BAD_GATEWAY,
        "the stream ended before a response came"
            + (cause == null || cause.getMessage() == null ? "" : " (" + cause.getMessage() + ")"),
        Duration.ZERO,
        stream.via());
  }

  private void badResponse(String reason) {
    stream.abort();
    fail(
        HttpResponseStatus.BAD_GATEWAY,
        "the target sent no valid HTTP response (" + reason + ")",
        Duration.ZERO,
        stream.via());
  }

  private void responseLate() {
    if (state == State.OPEN && !answering) {
      stream.abort();
      fail(
          HttpResponseStatus.GATEWAY_TIMEOUT,
          "no response within " + services.settings().responseHeadTimeout().toMillis() + " ms",
          Duration.ZERO,
          stream.via());
    }
  }

  private void breakOff() {
    boolean visible = framed;
    over();
    releaseHeld();
    log.atInfo()
        .addKeyValue("session", route.session())
        .addKeyValue("target", route.target())
        .addKeyValue("stream", stream.publicId())
        .log("http.response.broke");
    front.breakOff(visible);
  }

  private void fail(HttpResponseStatus status, String reason, Duration retryAfter, String via) {
    String id = stream == null ? dialId : stream.publicId();
    answer(new Problem(status, HttpFront.onWayTo(route) + reason, retryAfter, id, via));
  }

  private void answer(Problem problem) {
    over();
    releaseHeld();
    if (problem.status().code() >= 500 || problem.status().equals(HttpResponseStatus.FORBIDDEN)) {
      log.atInfo()
          .addKeyValue("session", route.session())
          .addKeyValue("target", route.target())
          .addKeyValue("stream", problem.stream())
          .addKeyValue("status", problem.status().code())
          .addKeyValue("reason", problem.detail())
          .log("http.request.failed");
    }
    front.answer(problem, head);
  }

  private void over() {
    state = State.OVER;
    stopTimer();
    services.callers().endRequest(caller);
  }

  private void stopTimer() {
    if (responseTimer != null) {
      responseTimer.cancel(false);
      responseTimer = null;
    }
  }

  private void releaseHeld() {
    if (heldEnd != null) {
      heldEnd.release();
      heldEnd = null;
    }
  }
}

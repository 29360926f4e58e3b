package dev.warren.gateway.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.handler.codec.DecoderResult;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.HttpConstants;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.util.AsciiString;
import java.util.List;

/**
 * Netty's request decoder, made strict and made to wait.
 *
 * <p><b>Strict</b>: whatever two servers could read in two ways is refused, so that no target ever
 * sees the end of a request elsewhere than we do (request smuggling). Netty's own parser does the
 * reading; this class looks at what Netty is lenient about: separators in the request line, folded
 * header lines, the size lines of chunks, Transfer-Encoding other than {@code chunked}, lengths
 * that are no plain numbers, Host.
 *
 * <p><b>Waiting</b>: after a head, and after the end of a request, nothing is decoded until {@link
 * #resume}. So a body stays where it is until its target has accepted, the next request waits for
 * the answer to this one, and what follows an Upgrade is never taken for a request. It never reads
 * by itself either: the front does, so what waits here is bounded by one read.
 */
final class CallerRequestDecoder extends HttpRequestDecoder {
  /** Room in the request line for a method, two spaces and the version. */
  private static final int LINE_BESIDE_URI = 128;

  /** Nobody needs extensions; what is longer keeps a connection busy without moving a byte. */
  static final int MAX_CHUNK_LINE_BYTES = 256;

  private static final int MAX_CONTENT_BYTES = 65_536;

  /** Where in a request the next byte stands. */
  private enum Part {
    BETWEEN,
    HEAD,
    FIXED_BODY,
    CHUNKS,
    TRAILERS
  }

  private final HttpSettings.Head limits;
  private ChannelHandlerContext context;
  private ByteBuf current = Unpooled.EMPTY_BUFFER;
  private Part part = Part.BETWEEN;
  private int headerLines;
  private boolean atLineStart;
  private long chunkLeft;
  private boolean waiting;
  private boolean refused;
  private boolean reading;

  CallerRequestDecoder(HttpSettings.Head limits) {
    super(
        new HttpDecoderConfig()
            .setMaxInitialLineLength(limits.maxUriBytes() + LINE_BESIDE_URI)
            .setMaxHeaderSize(limits.maxHeaderBytes())
            .setMaxChunkSize(MAX_CONTENT_BYTES)
            .setInitialBufferSize(256)
            .setAllowDuplicateContentLengths(false)
            .setStrictLineParsing(true)
            .setUseRfc9112TransferEncoding(true)
            .setValidateHeaders(true));
    this.limits = limits;
  }

  /** Goes on: with the body after a head, with the next request after the end of one. */
  void resume() {
    waiting = false;
    if (!reading && actualReadableBytes() > 0) {
      try {
        channelRead(context, Unpooled.EMPTY_BUFFER);
      } catch (Exception e) {
        context.fireExceptionCaught(e);
      }
    }
  }

  /** Drops all that comes from now on. */
  void discard() {
    refused = true;
    waiting = false;
    resume();
  }

  /** Whether a request's head has begun and not ended. */
  boolean insideHead() {
    return !waiting
        && !refused
        && (part == Part.HEAD || (part == Part.BETWEEN && actualReadableBytes() > 0));
  }

  /** Whether it decodes nothing until {@link #resume}. */
  boolean isWaiting() {
    return waiting;
  }

  /** How many bytes wait for {@link #resume}. */
  int waitingBytes() {
    return actualReadableBytes();
  }

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) throws Exception {
    super.handlerAdded(ctx);
    context = ctx;
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object input) throws Exception {
    boolean outer = reading;
    reading = true;
    try {
      super.channelRead(ctx, input);
    } finally {
      reading = outer;
    }
  }

  /** The decoder of Netty would read on by itself here; see the class comment. */
  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    discardSomeReadBytes();
    ctx.fireChannelReadComplete();
  }

  /** What waits must survive that the caller closes its sending side behind it. */
  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) throws Exception {
    if (waiting && event instanceof ChannelInputShutdownEvent) {
      ctx.fireUserEventTriggered(event);
    } else {
      super.userEventTriggered(ctx, event);
    }
  }

  @Override
  protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) throws Exception {
    if (refused) {
      in.skipBytes(in.readableBytes());
      return;
    }
    if (waiting) {
      return;
    }
    if (atLineStart && isBlank(in.getByte(in.readerIndex()))) {
      refuse(in, out, new BadRequestException("a folded header line (expected: one line each)"));
      return;
    }
    if (part == Part.CHUNKS
        && chunkLeft == 0
        && in.getByte(in.readerIndex()) != HttpConstants.CR
        && !readSizeLine(in, out)) {
      return;
    }
    int before = out.size();
    current = in;
    try {
      super.decode(ctx, in, out);
    } finally {
      current = Unpooled.EMPTY_BUFFER;
    }
    for (int i = before; i < out.size(); i++) {
      follow((HttpObject) out.get(i));
    }
  }

  private void refuse(ByteBuf in, List<Object> out, Exception cause) {
    refused = true;
    in.skipBytes(in.readableBytes());
    HttpObject message =
        part == Part.CHUNKS || part == Part.TRAILERS
            ? new DefaultLastHttpContent(Unpooled.EMPTY_BUFFER)
            : createInvalidMessage();
    message.setDecoderResult(DecoderResult.failure(cause));
    out.add(message);
  }

  /** Keeps up with where Netty's parser is. */
  private void follow(HttpObject message) {
    atLineStart = false;
    if (message.decoderResult().isFailure()) {
      refused = true;
    } else if (message instanceof HttpRequest head) {
      waiting = true;
      try {
        part = check(head);
        chunkLeft = 0;
      } catch (BadRequestException e) {
        refused = true;
        head.setDecoderResult(DecoderResult.failure(e));
      }
    } else if (message instanceof LastHttpContent) {
      waiting = true;
      part = Part.BETWEEN;
    } else if (part == Part.CHUNKS) {
      chunkLeft -= ((HttpContent) message).content().readableBytes();
    }
  }

  /**
   * Judges the line of a chunk's size, which Netty reads leniently (blanks, control characters and
   * anything behind them), before Netty reads it.
   *
   * @return whether it is complete and good
   */
  private boolean readSizeLine(ByteBuf in, List<Object> out) {
    int start = in.readerIndex();
    int readable = in.readableBytes();
    int lineEnd = in.indexOf(start, start + Math.min(readable, MAX_CHUNK_LINE_BYTES), (byte) '\n');
    if (lineEnd < 0) {
      if (readable >= MAX_CHUNK_LINE_BYTES) {
        refuse(
            in,
            out,
            new BadRequestException(
                "a chunk's size line of more than " + MAX_CHUNK_LINE_BYTES + " bytes"));
      }
      return false;
    }
    long size = 0;
    int at = start;
    for (int digit; (digit = Character.digit(in.getByte(at), 16)) >= 0; at++) {
      size = size << 4 | digit;
      if (size > Integer.MAX_VALUE) {
        refuse(
            in,
            out,
            new BadRequestException(
                "a chunk's size (expected: at most " + Integer.MAX_VALUE + ")"));
        return false;
      }
    }
    boolean good = at > start && in.getByte(lineEnd - 1) == HttpConstants.CR;
    if (good && at < lineEnd - 1) {
      good = in.getByte(at) == ';';
      for (int i = at; good && i < lineEnd - 1; i++) {
        good = !isControl(in.getByte(i));
      }
    }
    if (!good) {
      refuse(
          in,
          out,
          new BadRequestException("a chunk's size line (expected: hexadecimal digits and CRLF)"));
      return false;
    }
    chunkLeft = size;
    if (size == 0) {
      part = Part.TRAILERS;
      atLineStart = true;
    }
    return true;
  }

  @Override
  protected HttpMessage createMessage(String[] initialLine) throws Exception {
    headerLines = 0;
    HttpMessage message = super.createMessage(initialLine);
    part = Part.HEAD;
    atLineStart = true;
    return message;
  }

  @Override
  protected String splitFirstWordInitialLine(byte[] line, int start, int length) {
    if (start != 0) {
      throw new BadRequestException("blanks before the method");
    }
    return super.splitFirstWordInitialLine(line, start, length);
  }

  @Override
  protected String splitSecondWordInitialLine(byte[] line, int start, int length) {
    checkSeparator(line, start);
    if (length > limits.maxUriBytes()) {
      throw new TooLongHttpLineException(
          "a request target of "
              + length
              + " bytes (expected: at most "
              + limits.maxUriBytes()
              + ")");
    }
    for (int i = start; i < start + length; i++) {
      if (isControl(line[i]) || line[i] == ' ' || line[i] == '\t') {
        throw new BadRequestException("a control character in the request target");
      }
    }
    return super.splitSecondWordInitialLine(line, start, length);
  }

  @Override
  protected String splitThirdWordInitialLine(byte[] line, int start, int length) {
    checkSeparator(line, start);
    String version = super.splitThirdWordInitialLine(line, start, length);
    if (!version.equals(HttpVersion.HTTP_1_1.text())
        && !version.equals(HttpVersion.HTTP_1_0.text())) {
      if (isVersion(version)) {
        throw new UnsupportedVersionException(version);
      }
      throw new BadRequestException("no HTTP version at the end of the request line");
    }
    return version;
  }

  private static boolean isVersion(String text) {
    return text.length() == 8
        && text.startsWith("HTTP/")
        && Character.digit(text.charAt(5), 10) >= 0
        && text.charAt(6) == '.'
        && Character.digit(text.charAt(7), 10) >= 0;
  }

  /** Netty takes tabs, form feeds and even a bare CR for a space here, and any number of them. */
  private static void checkSeparator(byte[] line, int wordStart) {
    if (wordStart < 2
        || line[wordStart - 1] != ' '
        || (line[wordStart - 2] <= ' ' && line[wordStart - 2] >= 0)) {
      throw new BadRequestException("separators in the request line (expected: one space each)");
    }
  }

  @Override
  protected AsciiString splitHeaderName(byte[] line, int start, int length) {
    if (++headerLines > limits.maxHeaders()) {
      throw new TooLongHttpHeaderException("more than " + limits.maxHeaders() + " header lines");
    }
    // The parser has just passed the end of this line. Where the next one has not arrived yet, the
    // same is looked at when it does.
    if (current.isReadable() && isBlank(current.getByte(current.readerIndex()))) {
      throw new BadRequestException("a folded header line (expected: one line each)");
    }
    atLineStart = true;
    return super.splitHeaderName(line, start, length);
  }

  /** The rules that need the whole head; returns what follows it. */
  private static Part check(HttpRequest head) {
    HttpHeaders headers = head.headers();
    checkHost(head.protocolVersion(), headers);
    if (head.method().equals(HttpMethod.CONNECT) && head.uri().startsWith("/")) {
      throw new BadRequestException("CONNECT with a path (expected: HOST:PORT)");
    }
    String length = headers.get(HttpHeaderNames.CONTENT_LENGTH);
    String encoding = headers.get(HttpHeaderNames.TRANSFER_ENCODING);
    if (encoding != null) {
      if (length != null) {
        throw new BadRequestException("Transfer-Encoding together with Content-Length");
      }
      if (!HttpHeaderValues.CHUNKED.contentEqualsIgnoreCase(encoding)
          || headers.getAll(HttpHeaderNames.TRANSFER_ENCODING).size() > 1) {
        throw new BadRequestException("Transfer-Encoding (expected: chunked, once)");
      }
      return Part.CHUNKS;
    }
    if (length == null) {
      // Netty would take 8 bytes behind such a head for its body, as a draft of WebSocket from 2010
      // had it; every target would take them for the next request.
      if (headers.contains(HttpHeaderNames.SEC_WEBSOCKET_KEY1)) {
        throw new BadRequestException("a WebSocket handshake of a draft (expected: RFC 6455)");
      }
      return Part.BETWEEN;
    }
    for (int i = 0; i < length.length(); i++) {
      if (length.charAt(i) < '0' || length.charAt(i) > '9') {
        throw new BadRequestException("Content-Length (expected: digits)");
      }
    }
    return Part.FIXED_BODY;
  }

  private static void checkHost(HttpVersion version, HttpHeaders headers) {
    String host = headers.get(HttpHeaderNames.HOST);
    if (host == null) {
      if (version.equals(HttpVersion.HTTP_1_1)) {
        throw new BadRequestException("no Host");
      }
      return;
    }
    if (headers.getAll(HttpHeaderNames.HOST).size() > 1) {
      throw new BadRequestException("several Host headers");
    }
    for (int i = 0; i < host.length(); i++) {
      char c = host.charAt(i);
      if (c <= ' ' || c >= 0x7f || "/\\@?#,\"<>".indexOf(c) >= 0) {
        throw new BadRequestException("Host (expected: NAME or NAME:PORT)");
      }
    }
  }

  private static boolean isBlank(byte b) {
    return b == ' ' || b == '\t';
  }

  private static boolean isControl(byte b) {
    return (b >= 0 && b < ' ' && b != '\t') || b == 0x7f;
  }

  /** Two servers could read it in two ways. The text never repeats what was sent. */
  static class BadRequestException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    BadRequestException(String message) {
      super(message);
    }

    /** Callers provoke these at will; nobody reads their traces. */
    @Override
    public Throwable fillInStackTrace() {
      return this;
    }
  }

  /** A version that exists, or may exist, but not here. */
  static final class UnsupportedVersionException extends BadRequestException {
    private static final long serialVersionUID = 1L;

    UnsupportedVersionException(String version) {
      super(version + " (expected: HTTP/1.1 or HTTP/1.0)");
    }
  }
}

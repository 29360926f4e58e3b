package dev.warren.cli.files;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.DefaultFileRegion;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.util.ReferenceCountUtil;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers the requests of one connection, one after the other: the next message is read when the
 * last answer is written, so a client that sends many requests at once costs no memory.
 */
final class FileHandler extends ChannelInboundHandlerAdapter {
  /** How long a client may go on sending a body that was refused, before the connection ends. */
  static final Duration LINGER = Duration.ofSeconds(5);

  private static final Logger log = LoggerFactory.getLogger(FileHandler.class);

  private final Root root;
  private final boolean upload;

  /** The request that is being received; null between two of them. */
  private HttpRequest request;

  /** Where its body goes; null where it goes nowhere. */
  private Upload receiving;

  /** One more message is wanted. */
  private boolean asked;

  /** The answer is the last one: whatever still comes is thrown away. */
  private boolean lingering;

  FileHandler(Root root, boolean upload) {
    this.root = root;
    this.upload = upload;
  }

  private void ask(ChannelHandlerContext context) {
    asked = true;
    context.read();
  }

  /**
   * The FlowControlHandler in front forgets a wish that was made within a burst of reading when the
   * burst ends.
   */
  @Override
  public void channelReadComplete(ChannelHandlerContext context) {
    if (asked) {
      context.read();
    }
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    ask(context);
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) throws IOException {
    asked = false;
    try {
      if (lingering) {
        ask(context);
        return;
      }
      if (message instanceof HttpRequest head) {
        begin(context, head);
      }
      if (message instanceof HttpContent content && request != null) {
        receive(context, content);
      }
    } finally {
      ReferenceCountUtil.release(message);
    }
  }

  private void begin(ChannelHandlerContext context, HttpRequest head) throws IOException {
    if (head.decoderResult().isFailure()) {
      refuse(context, HttpResponseStatus.BAD_REQUEST, "this is not HTTP/1.1");
      return;
    }
    if (upload && head.method().equals(HttpMethod.PUT)) {
      try {
        receiving = Upload.to(root.forUpload(head.uri()));
      } catch (Root.Refused e) {
        refuse(context, HttpResponseStatus.FORBIDDEN, e.getMessage());
        return;
      } catch (NoSuchFileException | NotDirectoryException e) {
        refuse(context, HttpResponseStatus.NOT_FOUND, "there is no such directory");
        return;
      }
      if (HttpUtil.is100ContinueExpected(head)) {
        context.writeAndFlush(
            new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE, Unpooled.EMPTY_BUFFER));
      }
    }
    request = head;
    ask(context);
  }

  private void receive(ChannelHandlerContext context, HttpContent content) throws IOException {
    if (content.decoderResult().isFailure()) {
      abandon();
      refuse(context, HttpResponseStatus.BAD_REQUEST, "the body is broken");
      return;
    }
    if (receiving != null) {
      receiving.write(content.content());
    }
    if (!(content instanceof LastHttpContent)) {
      ask(context);
      return;
    }
    if (receiving != null) {
      Upload complete = receiving;
      receiving = null;
      boolean replaced = complete.finish();
      answer(context, replaced ? HttpResponseStatus.NO_CONTENT : HttpResponseStatus.CREATED, "");
    } else {
      serve(context);
    }
  }

  private void serve(ChannelHandlerContext context) throws IOException {
    if (!request.method().equals(HttpMethod.GET) && !request.method().equals(HttpMethod.HEAD)) {
      FullHttpResponse refusal = plain(HttpResponseStatus.METHOD_NOT_ALLOWED, "not this method\n");
      refusal.headers().set(HttpHeaderNames.ALLOW, upload ? "GET, HEAD, PUT" : "GET, HEAD");
      send(context, refusal);
      return;
    }
    Path found;
    try {
      found = root.existing(request.uri());
    } catch (Root.Refused e) {
      answer(context, HttpResponseStatus.FORBIDDEN, e.getMessage() + "\n");
      return;
    } catch (IOException e) {
      answer(context, HttpResponseStatus.NOT_FOUND, "there is no such file\n");
      return;
    }
    if (Files.isDirectory(found)) {
      serveDirectory(context, found);
    } else if (Files.isRegularFile(found)) {
      serveFile(context, found);
    } else {
      // Opening a pipe or a device may block, or never end.
      answer(context, HttpResponseStatus.NOT_FOUND, "this is no regular file\n");
    }
  }

  private void serveDirectory(ChannelHandlerContext context, Path directory) throws IOException {
    String path = request.uri().split("[?#]", 2)[0];
    if (!path.endsWith("/")) {
      // Relative, so that it is right behind the prefix of a proxy too.
      FullHttpResponse moved = plain(HttpResponseStatus.MOVED_PERMANENTLY, "");
      moved
          .headers()
          .set(HttpHeaderNames.LOCATION, "./" + path.substring(path.lastIndexOf('/') + 1) + "/");
      send(context, moved);
      return;
    }
    Path index = directory.resolve("index.html");
    if (Files.isRegularFile(index, LinkOption.NOFOLLOW_LINKS)) {
      serveFile(context, index);
      return;
    }
    String listing;
    try {
      listing = Listing.of(directory, directory.equals(root.path()));
    } catch (IOException e) {
      answer(context, HttpResponseStatus.FORBIDDEN, "the directory cannot be read\n");
      return;
    }
    FullHttpResponse page = plain(HttpResponseStatus.OK, listing);
    page.headers().set(HttpHeaderNames.CONTENT_TYPE, "text/html; charset=utf-8");
    send(context, page);
  }

  private void serveFile(ChannelHandlerContext context, Path file) throws IOException {
    FileChannel channel;
    try {
      channel = FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS);
    } catch (IOException e) {
      answer(context, HttpResponseStatus.FORBIDDEN, "the file cannot be read\n");
      return;
    }
    String name = file.getFileName().toString();
    FileAnswer answer =
        FileAnswer.to(request, name, channel.size(), Files.getLastModifiedTime(file));
    ByteRange bytes = answer.bytes();
    prepare(answer.head());
    context.write(answer.head());
    if (bytes.length() == 0) {
      channel.close();
    } else {
      // The region closes the file when it has been sent, or when the connection is gone.
      context.write(new DefaultFileRegion(channel, bytes.first(), bytes.length()));
    }
    sent(context, context.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT));
  }

  private void answer(ChannelHandlerContext context, HttpResponseStatus status, String text) {
    send(context, plain(status, text));
  }

  private static FullHttpResponse plain(HttpResponseStatus status, String text) {
    ByteBuf content = Unpooled.copiedBuffer(text, StandardCharsets.UTF_8);
    FullHttpResponse response = new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, status, content);
    if (status.code() != HttpResponseStatus.NO_CONTENT.code()) {
      response.headers().set(HttpHeaderNames.CONTENT_TYPE, "text/plain; charset=utf-8");
      HttpUtil.setContentLength(response, content.readableBytes());
    }
    return response;
  }

  private void send(ChannelHandlerContext context, FullHttpResponse response) {
    if (request.method().equals(HttpMethod.HEAD)) {
      response.content().clear(); // the length stays that of GET
    }
    prepare(response);
    sent(context, context.writeAndFlush(response));
  }

  private void prepare(HttpResponse response) {
    if (!HttpUtil.isKeepAlive(request)) {
      response.headers().set(HttpHeaderNames.CONNECTION, "close");
    }
  }

  private void sent(ChannelHandlerContext context, ChannelFuture written) {
    boolean keepAlive = HttpUtil.isKeepAlive(request);
    request = null;
    written.addListener(
        done -> {
          if (done.isSuccess() && keepAlive) {
            ask(context);
          } else {
            context.close();
          }
        });
  }

  /**
   * The last answer, to a request whose body is not read. Closing at once would reset the
   * connection under a client that still sends, and the answer would be lost with it.
   */
  private void refuse(ChannelHandlerContext context, HttpResponseStatus status, String reason) {
    lingering = true;
    request = null;
    FullHttpResponse response = plain(status, reason + "\n");
    response.headers().set(HttpHeaderNames.CONNECTION, "close");
    context
        .writeAndFlush(response)
        .addListener(
            done -> {
              if (context.channel() instanceof DuplexChannel duplex) {
                duplex.shutdownOutput();
              }
              ask(context);
            });
    context.executor().schedule(() -> context.close(), LINGER.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void abandon() {
    if (receiving != null) {
      receiving.giveUp();
      receiving = null;
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    abandon();
    context.fireChannelInactive();
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) {
    if (event instanceof IdleStateEvent idle) {
      // The first one comes even while a long answer is on its way; only from the second one on
      // Netty looks whether bytes have gone out since.
      if (!idle.isFirst()) {
        context.close();
      }
    } else {
      context.fireUserEventTriggered(event);
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    log.atDebug()
        .addKeyValue("remote", context.channel().remoteAddress())
        .addKeyValue("reason", cause)
        .log("files.connection-failed");
    abandon();
    context.close();
  }
}

package dev.warren.cli.files;

import static io.netty.handler.codec.http.HttpHeaderNames.ACCEPT_RANGES;
import static io.netty.handler.codec.http.HttpHeaderNames.CONTENT_RANGE;
import static io.netty.handler.codec.http.HttpHeaderNames.CONTENT_TYPE;
import static io.netty.handler.codec.http.HttpHeaderNames.ETAG;
import static io.netty.handler.codec.http.HttpHeaderNames.IF_NONE_MATCH;
import static io.netty.handler.codec.http.HttpHeaderNames.IF_RANGE;
import static io.netty.handler.codec.http.HttpHeaderNames.LAST_MODIFIED;
import static io.netty.handler.codec.http.HttpHeaderNames.RANGE;

import io.netty.handler.codec.DateFormatter;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import java.nio.file.attribute.FileTime;
import java.util.Date;
import java.util.Locale;
import java.util.Map;

/**
 * What GET or HEAD of a file is answered: all of the arithmetic and none of the reading.
 *
 * @param head status and headers
 * @param bytes which bytes follow; their length is 0 where none do
 */
record FileAnswer(HttpResponse head, ByteRange bytes) {
  private static final ByteRange NOTHING = new ByteRange(0, 0);

  private static final Map<String, String> TYPES =
      Map.ofEntries(
          Map.entry("html", "text/html; charset=utf-8"),
          Map.entry("txt", "text/plain; charset=utf-8"),
          Map.entry("md", "text/plain; charset=utf-8"),
          Map.entry("css", "text/css; charset=utf-8"),
          Map.entry("js", "text/javascript; charset=utf-8"),
          Map.entry("json", "application/json"),
          Map.entry("xml", "application/xml"),
          Map.entry("svg", "image/svg+xml"),
          Map.entry("png", "image/png"),
          Map.entry("jpg", "image/jpeg"),
          Map.entry("gif", "image/gif"),
          Map.entry("pdf", "application/pdf"),
          Map.entry("gz", "application/gzip"),
          Map.entry("zip", "application/zip"));

  static FileAnswer to(HttpRequest request, String name, long size, FileTime modified) {
    HttpHeaders asked = request.headers();
    String tag = "\"" + Long.toHexString(modified.toMillis()) + "-" + Long.toHexString(size) + "\"";
    HttpResponse head = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
    head.headers()
        .set(ETAG, tag)
        .set(LAST_MODIFIED, DateFormatter.format(new Date(modified.toMillis())))
        .set(ACCEPT_RANGES, "bytes");
    if (matches(asked.get(IF_NONE_MATCH), tag)) {
      head.setStatus(HttpResponseStatus.NOT_MODIFIED);
      return new FileAnswer(head, NOTHING);
    }
    String condition = asked.get(IF_RANGE);
    boolean ranged = condition == null || condition.strip().equals(tag);
    ByteRange range = ByteRange.of(ranged ? asked.get(RANGE) : null, size);
    if (range == ByteRange.UNSATISFIABLE) {
      head.setStatus(HttpResponseStatus.REQUESTED_RANGE_NOT_SATISFIABLE);
      head.headers().set(CONTENT_RANGE, "bytes */" + size);
      HttpUtil.setContentLength(head, 0);
      return new FileAnswer(head, NOTHING);
    }
    if (range != null) {
      head.setStatus(HttpResponseStatus.PARTIAL_CONTENT);
      long last = range.first() + range.length() - 1;
      head.headers().set(CONTENT_RANGE, "bytes " + range.first() + "-" + last + "/" + size);
    }
    ByteRange bytes = range == null ? new ByteRange(0, size) : range;
    head.headers().set(CONTENT_TYPE, typeOf(name));
    HttpUtil.setContentLength(head, bytes.length());
    return new FileAnswer(head, request.method().equals(HttpMethod.HEAD) ? NOTHING : bytes);
  }

  private static boolean matches(String condition, String tag) {
    if (condition == null) {
      return false;
    }
    for (String candidate : condition.split(",")) {
      if (candidate.strip().equals("*") || candidate.strip().replaceFirst("^W/", "").equals(tag)) {
        return true;
      }
    }
    return false;
  }

  private static String typeOf(String name) {
    String extension = name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
    return TYPES.getOrDefault(extension, "application/octet-stream");
  }
}

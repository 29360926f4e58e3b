package dev.warren.gateway.admin;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.pekko.http.javadsl.model.ContentType;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpCharsets;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpHeader;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.MediaTypes;
import org.apache.pekko.http.javadsl.model.StatusCode;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;

/** How answers look: JSON in UTF-8, times in ISO 8601 and UTC, what is not known left out. */
final class Answers {
  private static final ContentType PROBLEM =
      MediaTypes.applicationWithFixedCharset("problem+json", HttpCharsets.UTF_8).toContentType();
  private static final HttpHeader NO_STORE = RawHeader.create("Cache-Control", "no-store");
  private static final HttpHeader NO_SNIFF = RawHeader.create("X-Content-Type-Options", "nosniff");

  private static final JsonMapper JSON =
      JsonMapper.builder()
          .serializationInclusion(JsonInclude.Include.NON_NULL)
          .addModule(new SimpleModule().addSerializer(Instant.class, ToStringSerializer.instance))
          .build();

  private Answers() {}

  static HttpResponse json(StatusCode status, Object value) {
    return rendered(status, ContentTypes.APPLICATION_JSON, value);
  }

  /** As RFC 9457 has it. */
  static HttpResponse problem(StatusCode status, String detail) {
    Map<String, Object> problem = new LinkedHashMap<>();
    problem.put("type", "about:blank");
    problem.put("title", status.reason());
    problem.put("status", status.intValue());
    problem.put("detail", detail);
    return rendered(status, PROBLEM, problem);
  }

  private static HttpResponse rendered(StatusCode status, ContentType type, Object value) {
    byte[] body = (text(value) + "\n").getBytes(java.nio.charset.StandardCharsets.UTF_8);
    return HttpResponse.create()
        .withStatus(status)
        .addHeader(NO_STORE)
        .addHeader(NO_SNIFF)
        .withEntity(HttpEntities.create(type, body));
  }

  /** What goes on for as long as both sides want. */
  static HttpResponse stream(ContentType type, Source<ByteString, ?> bytes) {
    return HttpResponse.create()
        .addHeader(NO_STORE)
        .addHeader(NO_SNIFF)
        .withEntity(HttpEntities.createChunked(type, bytes));
  }

  /** One line. */
  static String text(Object value) {
    try {
      return JSON.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(value.getClass() + " has no form in JSON", e);
    }
  }
}

package dev.warren.bench.load;

import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/** One plain request, for what is not measured: is it there, and what does it say of itself? */
final class HttpAnswer {
  private static final int TIMEOUT_MILLIS = 10_000;
  private static final int POLL_MILLIS = 100;

  private HttpAnswer() {}

  /** The body of a 200. */
  static String get(String url) throws IOException {
    HttpURLConnection connection = (HttpURLConnection) URI.create(url).toURL().openConnection();
    connection.setConnectTimeout(TIMEOUT_MILLIS);
    connection.setReadTimeout(TIMEOUT_MILLIS);
    try {
      if (connection.getResponseCode() != HttpURLConnection.HTTP_OK) {
        throw new IOException("status " + connection.getResponseCode());
      }
      try (InputStream body = connection.getInputStream()) {
        return new String(body.readAllBytes(), StandardCharsets.UTF_8);
      }
    } finally {
      connection.disconnect();
    }
  }

  /**
   * Asks until it is 200.
   *
   * @param needed what has to run meanwhile
   */
  static void await(String url, int seconds, Iterable<Child> needed) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    String last = "";
    while (System.nanoTime() < deadline) {
      needed.forEach(Child::checkAlive);
      try {
        get(url);
        return;
      } catch (IOException e) {
        last = String.valueOf(e.getMessage());
      }
      Bench.pause(POLL_MILLIS);
    }
    StringBuilder words = new StringBuilder();
    needed.forEach(
        child ->
            words.append("; ").append(child.name()).append(" said: ").append(child.lastWords()));
    throw new LoadException(
        url + " does not answer within " + seconds + " s (" + last + ")" + words);
  }
}

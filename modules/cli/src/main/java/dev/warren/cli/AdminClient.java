package dev.warren.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.warren.agent.connect.TokenSource;
import dev.warren.cli.settings.Flag;
import dev.warren.cli.settings.Parse;
import dev.warren.cli.settings.Settings;
import dev.warren.gateway.access.TokenKind;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Asks a gateway's API for operators, and says in words what went wrong. */
final class AdminClient {
  private static final Flag<URI> ADMIN =
      Flag.value(
          "--admin",
          "URL",
          "A gateway's API for operators; its log line admin.ready says where that is",
          AdminClient::url);
  private static final Flag<Path> TOKEN_FILE =
      Flag.value(
          "--token-file",
          "FILE",
          "An operator's token; or the token itself in " + TokenSetting.VARIABLE,
          Parse::path);

  /** What every command takes that asks a gateway. */
  static final List<Flag<?>> FLAGS = List.of(ADMIN, TOKEN_FILE);

  static final Flag<Boolean> JSON_ONLY =
      Flag.toggle("--json", "Print the gateway's answer as it came");

  private static final Duration CONNECT_WITHIN = Duration.ofSeconds(5);

  /** Closing a session may take the gateway some seconds. */
  private static final Duration ANSWER_WITHIN = Duration.ofSeconds(40);

  /** Of its own, because all commands know this class and few of them ever see JSON. */
  private static final class Json {
    static final ObjectMapper MAPPER = new ObjectMapper();
  }

  private final URI admin;
  private final Optional<String> token;

  /** An answer that was a success. */
  record Answer(String text, JsonNode json) {
    /** Where the answer shall be printed as it came, does that. */
    boolean printed(Settings settings, Terminal terminal) {
      if (!settings.on(JSON_ONLY)) {
        return false;
      }
      terminal.out().print(text);
      terminal.out().flush();
      return true;
    }
  }

  private AdminClient(URI admin, Optional<String> token) {
    this.admin = admin;
    this.token = token;
  }

  static AdminClient of(Settings settings, Terminal terminal) throws IOException {
    URI admin = settings.get(ADMIN);
    try {
      TokenSource token =
          TokenSetting.read(settings, terminal.environment(), TOKEN_FILE, TokenKind.ADMIN);
      return new AdminClient(admin, token.token());
    } catch (IllegalArgumentException e) {
      throw settings.refused(e);
    }
  }

  private static URI url(String text) {
    try {
      URI url = URI.create(text);
      boolean web = "http".equals(url.getScheme()) || "https".equals(url.getScheme());
      boolean bare = List.of("", "/").contains(url.getPath()) && url.getQuery() == null;
      if (web && bare && url.getHost() != null && url.getUserInfo() == null) {
        return URI.create(url.getScheme() + "://" + url.getAuthority());
      }
    } catch (IllegalArgumentException e) {
      // Said below.
    }
    throw new IllegalArgumentException("http://HOST:PORT or https://HOST:PORT");
  }

  Answer get(String path) throws IOException, InterruptedException {
    return send("GET", path);
  }

  Answer delete(String path) throws IOException, InterruptedException {
    return send("DELETE", path);
  }

  Answer post(String path) throws IOException, InterruptedException {
    return send("POST", path);
  }

  /**
   * @throws IOException where there is no answer, or one that is no success
   */
  private Answer send(String method, String path) throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(admin.resolve("/api/v1/" + path))
            .timeout(ANSWER_WITHIN)
            .header("Accept", "application/json")
            .method(method, HttpRequest.BodyPublishers.noBody());
    token.ifPresent(secret -> request.header("Authorization", "Bearer " + secret));
    HttpResponse<String> response;
    try {
      response =
          HttpClient.newBuilder()
              .version(HttpClient.Version.HTTP_1_1)
              .connectTimeout(CONNECT_WITHIN)
              .build()
              .send(request.build(), HttpResponse.BodyHandlers.ofString());
    } catch (ConnectException | HttpTimeoutException e) {
      throw new IOException(
          admin
              + (e instanceof ConnectException ? ": cannot connect" : ": no answer in time")
              + " (expected: the --admin-listen of a gateway that runs, as its log line admin.ready"
              + " has it; --admin URL names another)",
          e);
    } catch (IOException e) {
      throw new IOException(
          admin + ": " + e + " (expected: a gateway's API for operators, in HTTP/1.1)", e);
    }
    return answer(response);
  }

  private Answer answer(HttpResponse<String> response) throws IOException {
    JsonNode json = null;
    try {
      json = Json.MAPPER.readTree(response.body());
    } catch (JsonProcessingException e) {
      // Said below.
    }
    if (response.statusCode() / 100 == 2 && json != null && json.isObject()) {
      return new Answer(response.body(), json);
    }
    String detail = json == null ? "" : Table.shown(json.path("detail").asText());
    throw new IOException(
        switch (response.statusCode()) {
          case 401 ->
              admin
                  + ": "
                  + (detail.isEmpty() ? "401" : detail)
                  + "; --token-file FILE or "
                  + TokenSetting.VARIABLE
                  + " shows an operator's token, `./warren token admin` makes one";
          default ->
              detail.isEmpty()
                  ? admin
                      + ": status "
                      + response.statusCode()
                      + " without JSON (expected: a gateway's API for operators)"
                  : admin + ": " + detail;
        });
  }
}

package dev.warren.cli.files;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** A directory as a page. Its links are relative, so they work behind any prefix. */
final class Listing {
  /** More names than this are cut off, and the page says so. */
  static final int MAX_ENTRIES = 10_000;

  private Listing() {}

  static String of(Path directory, boolean root) throws IOException {
    List<Path> entries;
    try (Stream<Path> all = Files.list(directory)) {
      entries = all.limit(MAX_ENTRIES + 1L).sorted().toList();
    }
    StringBuilder page =
        new StringBuilder(
            "<!doctype html>\n<meta charset=\"utf-8\">\n<title>Files</title>\n<ul>\n");
    if (!root) {
      page.append("<li><a href=\"../\">../</a>\n");
    }
    for (Path entry : entries.subList(0, Math.min(entries.size(), MAX_ENTRIES))) {
      String name = entry.getFileName() + (Files.isDirectory(entry) ? "/" : "");
      page.append("<li><a href=\"./")
          .append(escaped(name))
          .append("\">")
          .append(html(name))
          .append("</a>\n");
    }
    page.append("</ul>\n");
    if (entries.size() > MAX_ENTRIES) {
      page.append("<p>Only ").append(MAX_ENTRIES).append(" names are shown.\n");
    }
    return page.toString();
  }

  /** For a URL's path, where a blank is %20 and a slash stays. */
  static String escaped(String name) {
    return URLEncoder.encode(name, StandardCharsets.UTF_8).replace("+", "%20").replace("%2F", "/");
  }

  private static String html(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }
}

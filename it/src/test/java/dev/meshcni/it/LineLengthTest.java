// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** No line of a tracked text file is longer than {@code max_line_length} of .editorconfig allows. */
class LineLengthTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

    /** A section of .editorconfig that sets the length. */
    private record Section(PathMatcher files, OptionalInt limit) {}

    @Test
    void noLineIsLongerThanTheEditorConfigAllows() throws IOException {
        List<Section> sections = sections();
        List<String> tooLong = new ArrayList<>();
        List<Path> files = tracked();
        for (Path file : files) {
            OptionalInt limit = limit(sections, file);
            if (limit.isPresent()) {
                tooLong.addAll(longer(file, limit.getAsInt()));
            }
        }

        assertThat(files).hasSizeGreaterThan(300);
        assertThat(tooLong).as("%d lines are too long", tooLong.size()).isEmpty();
    }

    /** Lines beyond a limit, in code points, each as {@code FILE:LINE (LENGTH)}; none of a file that is not text. */
    private static List<String> longer(Path file, int limit) throws IOException {
        String content;
        try {
            content = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(Files.readAllBytes(ROOT.resolve(file))))
                    .toString();
        } catch (CharacterCodingException e) {
            return List.of();
        }
        List<String> longer = new ArrayList<>();
        List<String> lines = content.lines().toList();
        for (int number = 1; number <= lines.size(); number++) {
            String line = lines.get(number - 1);
            int length = line.codePointCount(0, line.length());
            if (length > limit) {
                longer.add("%s:%d (%d)".formatted(file, number, length));
            }
        }
        return longer;
    }

    /** What the last section that fits a file says; empty if nothing, or {@code off}. */
    private static OptionalInt limit(List<Section> sections, Path file) {
        return sections.reversed().stream()
                .filter(section -> section.files().matches(file.getFileName())
                        || section.files().matches(file))
                .findFirst()
                .map(Section::limit)
                .orElse(OptionalInt.empty());
    }

    private static List<Section> sections() throws IOException {
        List<Section> sections = new ArrayList<>();
        PathMatcher files = null;
        for (String line : Files.readAllLines(ROOT.resolve(".editorconfig"))) {
            if (line.startsWith("[")) {
                files = FileSystems.getDefault().getPathMatcher("glob:" + line.substring(1, line.length() - 1));
            } else if (line.startsWith("max_line_length = ")) {
                String value = line.substring("max_line_length = ".length());
                sections.add(new Section(
                        files, value.equals("off") ? OptionalInt.empty() : OptionalInt.of(Integer.parseInt(value))));
            }
        }
        assertThat(sections).isNotEmpty();
        return sections;
    }

    private static List<Path> tracked() {
        Machine.needs("git");
        Command.Result listed =
                Command.of("git", "-C", ROOT.toString(), "ls-files", "-z").result();
        assumeTrue(listed.succeeded(), "needs a git checkout: " + listed.err());
        return listed.out().transform(out -> List.of(out.split("\0"))).stream()
                .map(Path::of)
                .filter(file -> Files.isRegularFile(ROOT.resolve(file)))
                .toList();
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** {@code docs/life-of-an-add.md} names the files of an ADD in the order in which they act. */
class LifeOfAnAddTest {
    private static final Path PAGE = Path.of("../docs/life-of-an-add.md");
    /** The request, which travels from step to step. */
    private static final Set<String> TRAVELS = Set.of("AgentProtocol", "CniRequest");

    private static final Pattern STEP = Pattern.compile("(?m)^(\\d+)\\. ");
    private static final Pattern LINK = Pattern.compile("\\[`(\\w+)`\\]\\(\\.\\./([^)]+\\.java)\\)");
    private static final Pattern THROUGH = Pattern.compile("through `(\\w+)`");

    /**
     * A step.
     *
     * @param name the type that acts
     * @param through the interface by which the steps before know it; its own name if there is none
     * @param source the code of its file, without comments
     */
    private record Step(int number, String name, String through, String source) {
        boolean mentions(String type) {
            return Pattern.compile("\\b" + type + "\\b").matcher(source).find();
        }
    }

    @Test
    void stepsAreNumberedFromOneWithoutAGap() throws IOException {
        List<Step> steps = steps();

        assertThat(steps).hasSizeGreaterThan(15);
        for (int i = 0; i < steps.size(); i++) {
            assertThat(steps.get(i).number()).isEqualTo(i + 1);
        }
    }

    @Test
    void everyFileIsThere() throws IOException {
        List<MatchResult> links = LINK.matcher(Files.readString(PAGE)).results().toList();

        assertThat(links).isNotEmpty().allSatisfy(link -> {
            assertThat(Path.of("..", link.group(2))).isRegularFile();
            assertThat(Path.of(link.group(2)).getFileName()).hasToString(link.group(1) + ".java");
        });
    }

    @Test
    void eachStepIsCalledByOneBeforeIt() throws IOException {
        List<Step> steps = steps();
        for (Step step : steps.subList(1, steps.size())) {
            assertThat(steps.subList(0, step.number() - 1))
                    .as("step %d, %s, known as %s", step.number(), step.name(), step.through())
                    .anyMatch(before -> before.mentions(step.through()));
        }
    }

    @Test
    void noStepKnowsOneBeforeIt() throws IOException {
        List<Step> steps = steps();
        for (Step step : steps) {
            assertThat(steps.subList(0, step.number() - 1))
                    .as("steps before %d, %s", step.number(), step.name())
                    .filteredOn(before -> !TRAVELS.contains(before.name()))
                    .noneMatch(before -> step.mentions(before.name()));
        }
    }

    private static List<Step> steps() throws IOException {
        String page = Files.readString(PAGE);
        List<MatchResult> starts = STEP.matcher(page).results().toList();
        List<Step> steps = new ArrayList<>();
        for (int i = 0; i < starts.size(); i++) {
            int end = i + 1 < starts.size() ? starts.get(i + 1).start() : page.length();
            String text = page.substring(starts.get(i).start(), end);
            Matcher link = LINK.matcher(text);
            assertThat(link.find()).as(text).isTrue();
            Matcher through = THROUGH.matcher(text);
            steps.add(new Step(
                    Integer.parseInt(starts.get(i).group(1)),
                    link.group(1),
                    through.find() ? through.group(1) : link.group(1),
                    code(Path.of("..", link.group(2)))));
        }
        return steps;
    }

    private static String code(Path file) throws IOException {
        return Files.readString(file).replaceAll("(?s)/\\*.*?\\*/", "").replaceAll("//.*", "");
    }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.ambient;

import static org.assertj.core.api.Assertions.assertThat;

import dev.meshcni.ambient.PodRules.State;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** All states that there are, and the way from each. */
class NextStepTest {
    private static final List<Boolean> BOTH = List.of(false, true);

    private record Case(Goal goal, Order order, Observed so) {}

    @Test
    void fromAnyStateAPodIsEnrolledInTheEnd() {
        cases(Goal.ENROLLED).filter(c -> c.so().held()).forEach(c -> {
            Observed end = walk(c).getLast().so();

            assertThat(end.status()).as("%s", c).isEqualTo(MeshStatus.ENABLED);
            assertThat(end.shown()).as("%s", c).isEqualTo(MeshStatus.ENABLED);
        });
    }

    @Test
    void fromAnyStateNothingIsLeftOfAPodInTheEnd() {
        Stream.concat(cases(Goal.LEFT), cases(Goal.GONE)).forEach(c -> {
            Observed end = walk(c).getLast().so();

            assertThat(end.held() || end.wanted() || end.claimed()).as("%s", c).isFalse();
            assertThat(end.shown()).as("%s", c).isEqualTo(MeshStatus.NONE);
        });
    }

    @Test
    void noStepIsTakenTwice() {
        cases().forEach(c -> {
            // A status is shown twice where rules are taken out: before, and after.
            List<Step> steps = new ArrayList<>(steps(c));
            steps.remove(Step.SHOW_STATUS);
            assertThat(steps).as("%s", c).doesNotHaveDuplicates().hasSizeLessThan(AmbientEngine.MAX_STEPS);
        });
    }

    @Test
    void aPodThatLeavesIsNeverCutOff() {
        cases(Goal.LEFT)
                .forEach(c -> walk(c).stream()
                        .filter(at -> at.step().equals(Optional.of(Step.FORGET)))
                        .forEach(at -> assertThat(at.so().rules()).as("%s", c).isEqualTo(State.ABSENT)));
    }

    /** Whoever comes after a crash sees by it that something is to be taken out. */
    @Test
    void aPodThatLeavesShowsAStatusForAsLongAsItHasRules() {
        cases(Goal.LEFT)
                .filter(c -> c.so().shown() != MeshStatus.NONE)
                .forEach(c -> walk(c).stream()
                        .filter(at -> at.so().rules() != State.ABSENT)
                        .forEach(at -> assertThat(at.so().shown()).as("%s", c).isNotEqualTo(MeshStatus.NONE)));
    }

    @Test
    void theNamespaceIsLetGoOfLast() {
        cases().filter(c -> steps(c).contains(Step.RELEASE))
                .forEach(c -> assertThat(steps(c)).as("%s", c).endsWith(Step.RELEASE));
    }

    @Test
    void aPodThatTalksInPlainTextIsCapturedOnlyWhenZtunnelListens() {
        cases(Goal.ENROLLED)
                .filter(c -> c.order() == Order.ZTUNNEL_FIRST)
                .forEach(c -> walk(c).stream()
                        .filter(at -> at.step().equals(Optional.of(Step.APPLY_RULES)))
                        .forEach(at ->
                                assertThat(at.so().listening()).as("%s", c).isTrue()));
    }

    @Test
    void rulesThatCaptureAreReplacedOnlyWhileZtunnelListens() {
        cases(Goal.ENROLLED)
                .filter(c -> c.so().rules() == State.DIFFERENT)
                .forEach(c -> walk(c).stream()
                        .filter(at -> at.step().equals(Optional.of(Step.APPLY_RULES)))
                        .forEach(at ->
                                assertThat(at.so().listening()).as("%s", c).isTrue()));
    }

    @Test
    void aPodThatIsMadeIsCapturedBeforeAnythingElse() {
        cases(Goal.ENROLLED)
                .filter(c -> c.order() == Order.RULES_FIRST && c.so().held() && c.so().rules() == State.ABSENT)
                .forEach(c -> assertThat(steps(c)).as("%s", c).startsWith(Step.APPLY_RULES));
    }

    @Test
    void othersHearThatAPodHasJoinedWhenAllElseIsDoneAndThatItLeavesBeforeAnythingIs() {
        cases().filter(c -> steps(c).contains(Step.SHOW_STATUS)).forEach(c -> {
            List<Step> steps = steps(c);
            switch (c.goal()) {
                case ENROLLED -> assertThat(steps).as("%s", c).endsWith(Step.SHOW_STATUS);
                case LEFT -> {
                    if (c.so().rules() != State.ABSENT && c.so().shown() == MeshStatus.ENABLED) {
                        assertThat(steps).as("%s", c).startsWith(Step.SHOW_STATUS);
                    }
                }
                case GONE -> assertThat(steps).as("%s", c).doesNotContain(Step.REMOVE_RULES);
            }
        });
    }

    @Test
    void anEnrolledPodWhoseNamespaceIsNotKnownIsNotShownAsEnrolled() {
        cases(Goal.ENROLLED)
                .filter(c -> !c.so().held())
                .forEach(c ->
                        assertThat(walk(c).getLast().so().shown()).as("%s", c).isNotEqualTo(MeshStatus.ENABLED));
    }

    @Test
    void whatIsAsWantedIsLeftAlone() {
        Observed enrolled = new Observed(true, State.AS_WANTED, true, true, true, true, true, MeshStatus.ENABLED);
        Observed nothing = new Observed(false, State.ABSENT, false, false, false, false, false, MeshStatus.NONE);

        for (Order order : Order.values()) {
            assertThat(NextStep.of(Goal.ENROLLED, enrolled, order)).isEmpty();
            assertThat(NextStep.of(Goal.LEFT, nothing, order)).isEmpty();
            assertThat(NextStep.of(Goal.GONE, nothing, order)).isEmpty();
        }
    }

    private record At(Observed so, Optional<Step> step) {}

    /** Each state on the way, with the step that follows; the last one has none. */
    private static List<At> walk(Case from) {
        List<At> way = new ArrayList<>();
        Observed so = from.so();
        while (way.size() <= AmbientEngine.MAX_STEPS) {
            Optional<Step> step = NextStep.of(from.goal(), so, from.order());
            way.add(new At(so, step));
            if (step.isEmpty()) {
                return way;
            }
            so = after(step.get(), so, from);
        }
        throw new AssertionError("no end: " + way);
    }

    private static List<Step> steps(Case from) {
        return walk(from).stream().flatMap(at -> at.step().stream()).toList();
    }

    /** As the engine does; ztunnel's listeners are worse than they can be, unless it was made to open them anew. */
    private static Observed after(Step step, Observed so, Case from) {
        return switch (step) {
            case APPLY_RULES -> so.withRules(State.AS_WANTED);
            case REMOVE_RULES -> so.withRules(State.ABSENT);
            case SERVE -> so.withZtunnel(true, true, from.so().listening());
            case SERVE_ANEW -> so.withZtunnel(true, true, true);
            case EXEMPT_PROBES -> so.withExemption(true);
            case SHOW_STATUS -> so.withShown(so.statusFor(from.goal()));
            case FORGET -> so.withZtunnel(false, false, false);
            case END_EXEMPTION -> so.withExemption(false);
            case RELEASE -> so.released();
        };
    }

    private static Stream<Case> cases(Goal goal) {
        return cases().filter(c -> c.goal() == goal);
    }

    private static Stream<Case> cases() {
        List<Case> cases = new ArrayList<>();
        for (Goal goal : Goal.values()) {
            for (Order order : Order.values()) {
                states().forEach(so -> cases.add(new Case(goal, order, so)));
            }
        }
        return cases.stream();
    }

    private static List<Observed> states() {
        List<Observed> states = new ArrayList<>();
        for (boolean held : BOTH) {
            for (State rules : held ? List.of(State.values()) : List.of(State.ABSENT)) {
                for (boolean wanted : BOTH) {
                    for (boolean served : held && wanted ? BOTH : List.of(false)) {
                        for (boolean listening : served ? BOTH : List.of(false)) {
                            for (boolean exempt : BOTH) {
                                for (boolean claimed : exempt ? List.of(true) : BOTH) {
                                    for (MeshStatus shown : MeshStatus.values()) {
                                        states.add(new Observed(
                                                held, rules, wanted, served, listening, exempt, claimed, shown));
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        return states;
    }
}

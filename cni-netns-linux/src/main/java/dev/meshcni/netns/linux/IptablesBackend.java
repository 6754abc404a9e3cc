package dev.meshcni.netns.linux;

import dev.meshcni.core.IpFamily;
import dev.meshcni.core.IptablesEdit;
import dev.meshcni.core.IptablesSave;
import dev.meshcni.core.RedirectException;
import dev.meshcni.core.RedirectPlan;
import dev.meshcni.core.RuleDifference;
import dev.meshcni.core.RuleSet;
import dev.meshcni.core.RuleSetComparison;
import dev.meshcni.core.Table;
import dev.meshcni.core.spi.RedirectBackend;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Redirects with {@code iptables} and {@code ip6tables}, in whichever variant works on the node.
 *
 * <p>A new pod costs two processes for each address family: one {@code iptables-restore} that loads all tables, and one
 * {@code iptables-save} that reads them back. A pod whose rules are right already costs one.
 */
public final class IptablesBackend implements RedirectBackend {
    private static final RedirectPlan NOTHING = new RedirectPlan(List.of(), List.of(), Optional.empty());

    private final String forced;
    private final HostPaths hostPaths;
    private final Consumer<String> steps;
    private IptablesDetection.Found found;

    /** Chooses the variant that {@code FORCE_IPTABLES_BINARY} names, or else one that works. */
    public IptablesBackend() {
        this(Objects.requireNonNullElse(System.getenv("FORCE_IPTABLES_BINARY"), ""), HostPaths.standard());
    }

    /**
     * Uses one variant, or the one that works.
     *
     * @param forced {@code nft}, {@code legacy}, a name such as {@code iptables-nft} or a path; empty to choose
     * @param hostPaths where this process finds the namespaces that the container runtime names
     */
    public IptablesBackend(String forced, HostPaths hostPaths) {
        this(forced, hostPaths, _ -> {});
    }

    /** Also tells after each single change of a namespace that it was made, for tests that fail there. */
    IptablesBackend(String forced, HostPaths hostPaths, Consumer<String> steps) {
        this.forced = Objects.requireNonNull(forced, "forced is null");
        this.hostPaths = Objects.requireNonNull(hostPaths, "hostPaths is null");
        this.steps = Objects.requireNonNull(steps, "steps is null");
    }

    @Override
    public String name() {
        return "iptables";
    }

    @Override
    public String detect() {
        IptablesDetection.Found tools = tools();
        String missing = tools.problems().keySet().stream()
                .map(family -> ", no " + family.label())
                .collect(Collectors.joining());
        return tools.chosen().version() + missing;
    }

    @Override
    public boolean isOwn(Path netns) {
        return NetworkNamespace.isOwn(hostPaths.translate(netns));
    }

    @Override
    public List<InetAddress> addresses(Path netns) {
        return inside(netns, () -> {
            try (Rtnetlink rtnetlink = new Rtnetlink()) {
                return rtnetlink.podAddresses();
            }
        });
    }

    @Override
    public void apply(Path netns, RedirectPlan plan) {
        requireFamilies(plan);
        inside(netns, () -> {
            applyHere(plan);
            return null;
        });
    }

    @Override
    public List<RuleDifference> differences(Path netns, RedirectPlan plan) {
        tools();
        return inside(netns, () -> {
            List<RuleDifference> differences = new ArrayList<>();
            for (Layer layer : layers(plan)) {
                differences.addAll(RuleSetComparison.differences(layer.wanted(), layer.read()));
            }
            try (Rtnetlink rtnetlink = new Rtnetlink()) {
                differences.addAll(new PodRouting(rtnetlink, steps).differences(plan));
            }
            return List.copyOf(differences);
        });
    }

    @Override
    public void remove(Path netns) {
        tools();
        inside(netns, () -> {
            applyHere(NOTHING);
            return null;
        });
    }

    private void applyHere(RedirectPlan plan) {
        Undo undo = new Undo();
        try (Rtnetlink rtnetlink = new Rtnetlink()) {
            try {
                for (Layer layer : layers(plan)) {
                    applyLayer(layer, undo);
                }
                new PodRouting(rtnetlink, steps).apply(plan, undo);
            } catch (RuntimeException e) {
                throw undo.after(e);
            }
        }
    }

    private void applyLayer(Layer layer, Undo undo) {
        String before = layer.save();
        IptablesEdit edit = IptablesEdit.of(layer.wanted(), layer.parse(before));
        if (edit.isEmpty()) {
            return;
        }
        IptablesTool tool = layer.tool();
        IpFamily family = layer.wanted().family();
        // Tables are loaded one after the other: a failure can leave the first of them.
        String what = "the " + family.label() + " rules";
        undo.push(what, () -> tool.replace(family, edit.undo(before)));
        if (!edit.changes().isEmpty()) {
            tool.add(family, edit.changes());
            steps.accept(what);
        }
        if (!edit.emptied().isEmpty()) {
            tool.replace(family, edit.emptied());
            steps.accept(what + " that are not wanted any more");
        }
        List<RuleDifference> differences = RuleSetComparison.differences(layer.wanted(), layer.read());
        if (!differences.isEmpty()) {
            throw new RedirectException("the kernel shows other rules than were loaded: "
                    + differences.stream().map(RuleDifference::toString).collect(Collectors.joining("; ")));
        }
        steps.accept("reading back " + what);
    }

    /** What each variant should hold for each family: one of them our rules, the others none. */
    private List<Layer> layers(RedirectPlan plan) {
        IptablesDetection.Found tools = tools();
        List<Layer> layers = new ArrayList<>();
        for (IpFamily family : IpFamily.values()) {
            RuleSet nothing = new RuleSet(family, Map.of());
            layers.add(new Layer(tools.chosen(), plan.ruleSet(family).orElse(nothing)));
            tools.others().forEach(tool -> layers.add(new Layer(tool, nothing)));
        }
        return layers;
    }

    private void requireFamilies(RedirectPlan plan) {
        tools().problems().forEach((family, problem) -> {
            if (plan.families().contains(family)) {
                throw new RedirectException("iptables" + tools().chosen().name() + " does not work for "
                        + family.label() + " on this node: " + problem);
            }
        });
    }

    private synchronized IptablesDetection.Found tools() {
        if (found == null) {
            found = IptablesDetection.detect(forced);
        }
        return found;
    }

    private <T> T inside(Path netns, Supplier<T> action) {
        return NetworkNamespace.inside(hostPaths.translate(netns), action);
    }

    /** The rules of one family in one variant of iptables. */
    private record Layer(IptablesTool tool, RuleSet wanted) {
        String save() {
            return tool.save(wanted.family());
        }

        IptablesSave read() {
            return parse(save());
        }

        IptablesSave parse(String saved) {
            try {
                IptablesSave parsed = IptablesSave.parse(saved);
                wanted.tables().keySet().stream()
                        .map(Table::label)
                        .filter(parsed.unreadable()::contains)
                        .forEach(table -> {
                            throw new RedirectException("the " + wanted.family().label() + " table " + table
                                    + " holds rules that iptables cannot read; they were made with nft");
                        });
                return parsed;
            } catch (IllegalArgumentException e) {
                throw new RedirectException("iptables-save printed something unknown: " + e.getMessage(), e);
            }
        }
    }
}

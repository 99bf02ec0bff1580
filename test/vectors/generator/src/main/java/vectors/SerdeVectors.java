package vectors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.*;
import org.apache.kafka.common.serialization.*;

import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.function.Function;

/** What Java's serializers write, and what its deserializers refuse. */
final class SerdeVectors {
    static final JsonNodeFactory F = JsonNodeFactory.instance;

    private static <T> void add(List<ObjectNode> out, String name, Serde<T> serde, Function<T, JsonNode> json, List<T> values) {
        for (T value : values) {
            byte[] bytes = serde.serializer().serialize("t", value);
            T back = serde.deserializer().deserialize("t", bytes);
            if (!Objects.deepEquals(value, back)) throw new IllegalStateException(name + ": " + value + " is read as " + back);
            ObjectNode o = F.objectNode();
            o.put("serde", name);
            o.set("value", value == null ? F.nullNode() : json.apply(value));
            o.put("hex", bytes == null ? null : Messages.HEX.formatHex(bytes));
            out.add(o);
        }
    }

    private static <T> void lists(List<ObjectNode> out, String name, Serde<T> inner, Function<T, JsonNode> json, List<T> values) {
        Serde<List<T>> serde = Serdes.ListSerde(ArrayList.class, inner);
        List<List<T>> all = new ArrayList<>();
        all.add(null);
        all.add(List.of());
        all.add(new ArrayList<>(values.subList(0, 1)));
        all.add(new ArrayList<>(values));
        List<T> nulls = new ArrayList<>(values);
        nulls.add(0, null);
        nulls.add(2, null);
        nulls.add(null);
        all.add(nulls);
        all.add(new ArrayList<>(Arrays.asList(null, null)));
        add(out, "list:" + name, serde, list -> {
            ArrayNode a = F.arrayNode();
            for (T t : list) a.add(t == null ? F.nullNode() : json.apply(t));
            return a;
        }, all);
    }

    /** Bytes that Java's deserializer refuses. */
    private static void refused(List<ObjectNode> out, String name, Serde<?> serde, String... hexes) {
        for (String hex : hexes) {
            try {
                serde.deserializer().deserialize("t", Messages.HEX.parseHex(hex));
            } catch (RuntimeException e) {
                ObjectNode o = F.objectNode();
                o.put("serde", name).put("hex", hex).put("refused", true);
                out.add(o);
                continue;
            }
            throw new IllegalStateException("Java reads " + hex + " as " + name);
        }
    }

    static void all(long seed, List<ObjectNode> out) {
        Rand rnd = new Rand(seed, "serdes");
        List<String> strings = new ArrayList<>(Arrays.asList(null, "", "a", "\ufeffa", "é中😀", "\u0000"));
        List<Short> shorts = new ArrayList<>(Arrays.asList(null, (short) 0, Short.MIN_VALUE, Short.MAX_VALUE));
        List<Integer> ints = new ArrayList<>(Arrays.asList(null, 0, -1, Integer.MIN_VALUE, Integer.MAX_VALUE));
        List<Long> longs = new ArrayList<>(Arrays.asList(null, 0L, -1L, Long.MIN_VALUE, Long.MAX_VALUE));
        List<Float> floats = new ArrayList<>(Arrays.asList(null, 0f, -0f, Float.NaN, Float.MIN_VALUE, Float.MAX_VALUE, Float.NEGATIVE_INFINITY));
        List<Double> doubles = new ArrayList<>(Arrays.asList(null, 0d, -0d, Double.NaN, Double.MIN_VALUE, Double.MAX_VALUE, Double.POSITIVE_INFINITY));
        List<UUID> uuids = new ArrayList<>(Arrays.asList(null, new UUID(0, 0), new UUID(-1, -1)));
        List<byte[]> blobs = new ArrayList<>(Arrays.asList(null, new byte[0], new byte[]{0, -1, 127}));
        for (int i = 0; i < 8; i++) {
            shorts.add((short) rnd.integer(16, true, false));
            ints.add((int) rnd.integer(32, true, false));
            longs.add(rnd.integer(64, true, false));
            floats.add(rnd.r.nextFloat());
            doubles.add(rnd.r.nextGaussian() * 1e9);
            uuids.add(new UUID(rnd.r.nextLong(), rnd.r.nextLong()));
        }
        Function<Short, JsonNode> shortJson = v -> F.numberNode((int) v);
        Function<Integer, JsonNode> intJson = F::numberNode;
        Function<Long, JsonNode> longJson = v -> F.textNode(Long.toString(v));
        Function<Float, JsonNode> floatJson = v -> F.textNode(Double.toString(v));
        Function<Double, JsonNode> doubleJson = v -> F.textNode(Double.toString(v));
        Function<UUID, JsonNode> uuidJson = v -> F.textNode(v.toString());
        Function<byte[], JsonNode> bytesJson = F::binaryNode;
        add(out, "string", Serdes.String(), F::textNode, strings);
        add(out, "int16", Serdes.Short(), shortJson, shorts);
        add(out, "int32", Serdes.Integer(), intJson, ints);
        add(out, "int64", Serdes.Long(), longJson, longs);
        add(out, "float32", Serdes.Float(), floatJson, floats);
        add(out, "float64", Serdes.Double(), doubleJson, doubles);
        add(out, "boolean", Serdes.Boolean(), F::booleanNode, Arrays.asList(null, true, false));
        add(out, "uuid", Serdes.UUID(), uuidJson, uuids);
        add(out, "bytes", Serdes.ByteArray(), bytesJson, blobs);
        add(out, "void", Serdes.Void(), v -> F.nullNode(), Collections.singletonList(null));
        lists(out, "string", Serdes.String(), F::textNode, tail(strings));
        lists(out, "int16", Serdes.Short(), shortJson, tail(shorts));
        lists(out, "int32", Serdes.Integer(), intJson, tail(ints));
        lists(out, "int64", Serdes.Long(), longJson, tail(longs));
        lists(out, "float32", Serdes.Float(), floatJson, tail(floats));
        lists(out, "float64", Serdes.Double(), doubleJson, tail(doubles));
        lists(out, "boolean", Serdes.Boolean(), F::booleanNode, Arrays.asList(true, false));
        lists(out, "uuid", Serdes.UUID(), uuidJson, tail(uuids));
        refused(out, "int16", Serdes.Short(), "", "00", "000000");
        refused(out, "int32", Serdes.Integer(), "", "000000", "0000000000");
        refused(out, "int64", Serdes.Long(), "", "00000000");
        refused(out, "float32", Serdes.Float(), "", "0000000000000000");
        refused(out, "float64", Serdes.Double(), "", "00000000");
        refused(out, "boolean", Serdes.Boolean(), "", "02", "ff", "0001");
        refused(out, "uuid", Serdes.UUID(), "", "00", Messages.HEX.formatHex("not a uuid".getBytes(StandardCharsets.UTF_8)));
        refused(out, "void", Serdes.Void(), "", "00");
    }

    private static <T> List<T> tail(List<T> values) { return values.subList(1, values.size()); }
}

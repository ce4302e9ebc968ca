"""Which columns a table may have, by kind and by the many words for each (列名匹配). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from unicodedata import normalize

from crm_core.errors import Invalid, NotFound
from crm_core.validation import LABELS

HEAD_WITHIN = 20
"""Rows in which the line of names must stand; titles and remarks may come before it."""
UNKNOWN_NAMED = 20
"""Columns nobody knows that are named to the importer."""
_LONGEST_NAME = 64


class UnknownKind(NotFound):
    """Nothing of this kind can be imported."""

    code = "import.unknown_kind"
    text = "不能导入「{kind}」，可选：leads、customers、contacts"


class NotYet(NotFound):
    """Products come with the back office."""

    code = "import.not_yet"
    text = "商品导入还没有开通，目前可以导入线索、客户和联系人"


class NoHead(Invalid):
    """No row names columns we know."""

    code = "import.no_head"
    text = "没有找到表头，前{within}行里要有一行列名，例如：{example}"


class ColumnDoubled(Invalid):
    """Two columns say the same thing."""

    code = "import.column_doubled"
    text = "有两列都是「{label}」：{columns}，请只留一列"


class ColumnMissing(Invalid):
    """A column without which no row means anything."""

    code = "import.column_missing"
    text = "缺少「{label}」这一列，请参照模板"


@dataclass(frozen=True, slots=True)
class Column:
    """One thing a table may tell, with the other words for it (signs and blanks do not count) and the template's example."""

    field: str
    label: str
    also: str = ""
    example: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be imported. `needs`: one of these columns at least."""

    name: str
    label: str
    columns: tuple[Column, ...]
    needs: tuple[str, ...]

    @property
    def by_field(self) -> dict[str, Column]:
        """Find a column by its field."""
        return {column.field: column for column in self.columns}


@dataclass(frozen=True, slots=True)
class Matched:
    """The columns of one table: the field of each index, and the names nobody knows."""

    row: int
    fields: tuple[tuple[int, str], ...]
    unknown: tuple[str, ...] = field(default=())


_PERSON = (
    Column(
        "name", "姓名", "名字 名称 客户姓名 联系人姓名 联系人 称呼 客户名称 线索名称 线索 full_name contact_name person", "张伟"
    ),
    Column(
        "mobile", "手机号", "手机 手机号码 移动电话 手机1 联系手机 mobile mobile_phone cell cellphone cell_phone", "13800138000"
    ),
    Column("phone", "电话", "联系电话 联系方式 电话号码 联系号码 号码 phone phone_number tel telephone", ""),
    Column("landline", "座机", "固话 固定电话 办公电话 公司电话 单位电话 landline office_phone work_phone", "021-62881234"),
    Column("wechat_id", "微信号", "微信 微信账号 wechat wechat_id weixin", ""),
    Column("email", "邮箱", "电子邮箱 电子邮件 邮件 邮件地址 email e-mail mail email_address", "zhangwei@example.cn"),
)
_TITLE = Column("title", "职位", "职务 岗位 头衔 title job_title position", "采购经理")
_BIRTHDAY = Column("birthday", "生日", "出生日期 出生年月日 birthday birth_date date_of_birth", "")
_REGION = Column("region", "地区", "区域 所在地 所在地区 省市 城市 省份 地址 region area city location province", "上海浦东")
_OWNER = Column("owner", "负责人", "归属 归属人 所属销售 销售 业务员 跟进人 客户经理 owner sales assigned_to assignee", "")
_MADE = (
    Column(
        "created_at", "创建时间", "创建日期 录入时间 录入日期 登记时间 登记日期 created created_at create_time created_time", ""
    ),
    Column("recorded_by", "创建人", "录入人 登记人 提交人 采集人 created_by creator", ""),
)
KINDS: dict[str, Kind] = {
    "leads": Kind(
        "leads",
        "线索",
        (
            *_PERSON,
            Column(
                "company",
                "公司",
                "公司名称 单位 单位名称 企业 企业名称 所属公司 company company_name organisation organization",
                "东风机械厂",
            ),
            _TITLE,
            _BIRTHDAY,
            _REGION,
            Column("source", "来源", "线索来源 客户来源 渠道来源 来源渠道 source lead_source", "展会"),
            Column("campaign", "活动", "市场活动 活动名称 推广活动 campaign", ""),
            Column(
                "need",
                "需求",
                "意向 需求描述 客户需求 留言 need needs requirement message",
                "想要20台网关",
            ),
            Column("remark", "备注", "说明 描述 备注信息 note notes remark remarks comment", ""),
            Column("amount", "预算", "预计金额 金额 预算金额 budget amount", "50000"),
            Column("openid", "openid", "公众号openid 微信openid open_id", ""),
            Column("channel", "渠道", "渠道名称 channel", ""),
            _OWNER,
            *_MADE,
        ),
        needs=("name", "company", "mobile", "phone", "landline", "wechat_id", "email"),
    ),
    "customers": Kind(
        "customers",
        "客户",
        (
            Column(
                "name",
                "客户名称",
                "客户 名称 公司 公司名称 单位 单位名称 企业名称 姓名 customer customer_name"
                " company company_name account account_name name",
                "东风机械厂",
            ),
            Column("kind", "类型", "客户类型 客户类别 类别 type customer_type kind", "企业"),
            Column(
                "parent", "上级单位", "上级客户 母公司 总公司 集团 所属集团 上级公司 parent parent_company parent_account", ""
            ),
            Column("credit_code", "统一社会信用代码", "信用代码 税号 社会信用代码 纳税人识别号 credit_code tax_number", ""),
            Column("industry", "行业", "所属行业 industry", "制造"),
            _REGION,
            Column("grade", "级别", "客户级别 等级 客户等级 grade level", "B"),
            _OWNER,
            *_MADE,
        ),
        needs=("name",),
    ),
    "contacts": Kind(
        "contacts",
        "联系人",
        (
            *_PERSON,
            Column(
                "company",
                "客户",
                "公司 公司名称 客户公司 所属客户 所属公司 单位 单位名称 企业名称"
                " company company_name account account_name customer",
                "东风机械厂",
            ),
            _TITLE,
            _BIRTHDAY,
            Column("decision_maker", "关键决策人", "决策人 是否决策人 是否关键决策人 decision_maker key_person", "是"),
            *_MADE,
        ),
        needs=("name",),
    ),
}


def kind_of(name: str) -> Kind:
    """Find a kind by its name or label. Raises: UnknownKind; NotYet."""
    said = plain_head(name)
    if said in ("products", "product", "商品", "产品"):
        raise NotYet
    for kind in KINDS.values():
        if said in (kind.name, kind.name.rstrip("s"), kind.label):
            return kind
    raise UnknownKind(kind=name[:_LONGEST_NAME])


def plain_head(text: str) -> str:
    """Write the name of a column in one width and case, without marks and what stands in brackets."""
    said = normalize("NFKC", text[:_LONGEST_NAME]).casefold()
    for opening in "([【":
        said = said.partition(opening)[0] or said
    return "".join(sign for sign in said if sign.isalnum())


@cache
def _words_of(kind: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for column in KINDS[kind].columns:
        for word in (column.field, column.label, *column.also.split()):
            # A word of two columns belongs to the first: 名称 of a person is the name.
            found.setdefault(plain_head(word), column.field)
    return found


def match(kind: Kind, rows: Sequence[Sequence[str]]) -> Matched:
    """Find the line of names among the first rows. Raises: NoHead; ColumnDoubled; ColumnMissing."""
    known = _words_of(kind.name)
    found = [(_count(known, row), -number) for number, row in enumerate(rows[:HEAD_WITHIN])]
    most, number = max(found, default=(0, 0))
    if not most:
        raise NoHead(within=HEAD_WITHIN, example="、".join(column.label for column in kind.columns[:3]))
    head = rows[-number]
    fields = [(index, known[plain_head(cell)]) for index, cell in enumerate(head) if plain_head(cell) in known]
    _refuse_doubled(kind, head, fields)
    here = {name for _, name in fields}
    if not here & set(kind.needs):
        raise ColumnMissing(label=kind.by_field[kind.needs[0]].label)
    unknown = tuple(cell[:_LONGEST_NAME] for cell in head if cell.strip() and plain_head(cell) not in known)
    if len(unknown) > UNKNOWN_NAMED:
        unknown = (*unknown[:UNKNOWN_NAMED], f"等{len(unknown)}列")
    return Matched(-number, tuple(fields), unknown)


def _count(known: dict[str, str], row: Sequence[str]) -> int:
    return sum(plain_head(cell) in known for cell in row if cell)


def _refuse_doubled(kind: Kind, head: Sequence[str], fields: Sequence[tuple[int, str]]) -> None:
    names = [name for _, name in fields]
    for name in names:
        if names.count(name) > 1:
            said = "、".join(head[index].strip()[:20] for index, field in fields if field == name)
            label = kind.by_field[name].label if name in kind.by_field else LABELS[name]
            raise ColumnDoubled(label=label, columns=said)
